import { reactive } from 'vue'

import { call, get, Problem, setCsrf } from './client'
import type { Me, Session } from './types'

// Scripts cannot see the session's cookie: this mark says whether asking the server is worth it.
const MARK = 'yc.signed-in'

export const session = reactive({
  name: '',
  nameEn: '',
  known: false,
  expired: false,

  /** Is somebody signed in? A reloaded page asks the server, which knows the cookie. */
  async restore(): Promise<boolean> {
    if (session.known || !localStorage.getItem(MARK)) return session.known
    try {
      const me = await get<Me>('/v1/me')
      session.take(me.person ?? { name: me.principal?.name }, me.csrf)
    } catch (e) {
      session.end()
      if (!(e instanceof Problem && e.status === 401)) throw e
    }
    return session.known
  },

  async signIn(login: string, password: string): Promise<void> {
    const s = await call<Session>('POST', '/v1/sessions', { login, password, client: 'console' })
    session.take(s.person ?? { name: login }, s.csrf)
  },

  async signOut(): Promise<void> {
    await call('DELETE', '/v1/sessions/current').catch(() => undefined)
    session.end()
    session.expired = false
  },

  take(person: { name?: string; name_en?: string }, csrf?: string): void {
    session.name = person.name ?? ''
    session.nameEn = person.name_en || session.name
    session.known = true
    session.expired = false
    setCsrf(csrf ?? '')
    localStorage.setItem(MARK, '1')
  },

  end(): void {
    session.known = false
    localStorage.removeItem(MARK)
  },
})

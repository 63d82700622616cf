import { reactive } from 'vue'

import { call, get, Problem, setCsrf } from './client'
import type { Me, Session } from './types'

export const session = reactive({
  name: '',
  nameEn: '',
  known: false,
  expired: false,

  /** Is somebody signed in? A reloaded page asks the server, which knows the cookie. */
  async restore(): Promise<boolean> {
    if (session.known) return true
    try {
      const me = await get<Me>('/v1/me')
      session.take(me.person ?? { name: me.principal?.name }, me.csrf)
    } catch (e) {
      session.known = false
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
    session.known = session.expired = false
  },

  take(person: { name?: string; name_en?: string }, csrf?: string): void {
    session.name = person.name ?? ''
    session.nameEn = person.name_en || session.name
    session.known = true
    session.expired = false
    setCsrf(csrf ?? '')
  },
})

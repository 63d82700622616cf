import { reactive } from 'vue'

import { call, get, setCsrf } from './client'
import type { Me, Session } from './types'

export const session = reactive({
  name: '',
  login: '',
  known: false,

  async restore(): Promise<boolean> {
    if (session.known) return true
    try {
      const me = await get<Me>('/v1/me')
      session.take(me.person?.name ?? me.principal?.name ?? '', me.person?.login ?? '', me.csrf ?? '')
    } catch {
      session.known = false
    }
    return session.known
  },

  async signIn(login: string, password: string): Promise<void> {
    const s = await call<Session>('POST', '/v1/sessions', { login, password, client: 'console' })
    session.take(s.person?.name ?? login, login, s.csrf ?? '')
  },

  async signOut(): Promise<void> {
    try {
      await call('DELETE', '/v1/sessions/current')
    } finally {
      session.known = false
    }
  },

  take(name: string, login: string, csrf: string): void {
    session.name = name
    session.login = login
    session.known = true
    setCsrf(csrf)
  },
})

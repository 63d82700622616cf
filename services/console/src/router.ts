import { createRouter, createWebHistory } from 'vue-router'

import { whenExpired } from './api/client'
import { session } from './api/session'
import Login from './pages/Login.vue'
import MatterPage from './pages/Matter.vue'
import MattersPage from './pages/Matters.vue'
import Wall from './pages/Wall.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/login', name: 'login', component: Login, meta: { open: true, title: 'login.title' } },
    { path: '/', redirect: '/wall' },
    { path: '/wall', name: 'wall', component: Wall, meta: { title: 'wall.title' } },
    { path: '/matters', name: 'matters', component: MattersPage, meta: { title: 'matters.title' } },
    { path: '/matters/:id', name: 'matter', component: MatterPage, props: true, meta: { title: 'matter.title' } },
    { path: '/:rest(.*)*', redirect: '/wall' },
  ],
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  // A server that does not answer is no reason to send people to the log-in page: the page itself says what is missing.
  if (await session.restore().catch(() => true)) return true
  return { name: 'login', query: { back: to.fullPath } }
})

// A session that ends while a page is open: once to the log-in page, and back to the same place afterwards.
whenExpired(() => {
  if (!session.known) return
  session.end()
  session.expired = true
  void router.push({ name: 'login', query: { back: router.currentRoute.value.fullPath } })
})

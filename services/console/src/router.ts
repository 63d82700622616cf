import { createRouter, createWebHistory } from 'vue-router'

import { session } from './api/session'
import Login from './pages/Login.vue'
import Matter from './pages/Matter.vue'
import Matters from './pages/Matters.vue'
import Wall from './pages/Wall.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/login', name: 'login', component: Login, meta: { open: true } },
    { path: '/', redirect: '/wall' },
    { path: '/wall', name: 'wall', component: Wall },
    { path: '/matters', name: 'matters', component: Matters },
    { path: '/matters/:id', name: 'matter', component: Matter, props: true },
    { path: '/:rest(.*)*', redirect: '/wall' },
  ],
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  if (await session.restore()) return true
  return { name: 'login', query: { back: to.fullPath } }
})

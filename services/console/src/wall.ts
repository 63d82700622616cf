// What the wall shows and how it stays true: loaded once, then moved by the push stream; never reloaded by the clock.
import { computed, onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'

import { get, getAll } from './api/client'
import { useStream, type PushEvent } from './api/stream'
import type { Agent, Call, Queue, QueueLive, QueuesLive, TodayReply } from './api/types'

const GATHER_MS = 400

export function useWall() {
  const queues = shallowRef<QueueLive[]>([])
  const agents = shallowRef<Agent[]>([])
  const calls = shallowRef<Call[]>([])
  const today = shallowRef<TodayReply>()
  const levels = shallowRef(new Map<string, number>())
  const degraded = ref(false)
  const loaded = ref(false)
  const error = shallowRef<unknown>()

  const loaders = {
    levels: async () => {
      levels.value = new Map((await getAll<Queue>('/v1/queues')).map((q) => [q.code ?? '', q.service_level_ms ?? 0]))
    },
    queues: async () => {
      const r = await get<QueuesLive>('/v1/queues/live')
      queues.value = r.data ?? []
      degraded.value = r.degraded ?? false
    },
    agents: async () => {
      agents.value = await getAll<Agent>('/v1/agents')
    },
    calls: async () => {
      calls.value = await getAll<Call>('/v1/calls')
    },
    today: async () => {
      today.value = await get<TodayReply>('/v1/reports/today')
    },
  }
  type Part = keyof typeof loaders
  const parts = Object.keys(loaders) as Part[]

  async function load(which: Part[]): Promise<void> {
    const done = await Promise.allSettled(which.map((p) => loaders[p]()))
    const bad = done.find((d) => d.status === 'rejected')
    if (!bad) error.value = undefined
    else error.value = bad.reason
    loaded.value = true
  }

  // Many events may come in one moment: each part is fetched once per GATHER_MS at most.
  const pending = new Set<Part>()
  let timer = 0
  function refresh(...which: Part[]): void {
    which.forEach((p) => pending.add(p))
    timer ||= window.setTimeout(() => {
      const all = [...pending]
      pending.clear()
      timer = 0
      void load(all)
    }, GATHER_MS)
  }

  /** An agent's change carries the whole agent: no fetch. Versions tell what is older than what we have. */
  function take(a?: Agent): void {
    const i = agents.value.findIndex((x) => x.person_id === a?.person_id)
    if (!a || i < 0) return refresh('agents')
    if ((a.version ?? 0) >= (agents.value[i].version ?? 0)) agents.value = agents.value.map((x, k) => (k === i ? a : x))
  }

  function onEvent(e: PushEvent): void {
    if (e.type === 'agent.state') {
      take(e.data?.agent as Agent | undefined)
      refresh('queues')
    } else if (e.type.startsWith('item.')) refresh('queues', 'today')
    else if (e.type.startsWith('call.')) refresh('calls')
    else if (e.type === 'phone.changed') refresh('agents')
    else if (e.type === 'acd.started') refresh(...parts)
  }

  const { live } = useStream(onEvent, () => refresh(...parts))
  onMounted(() => load(parts))
  onBeforeUnmount(() => clearTimeout(timer))
  const agentNames = computed(() => new Map(agents.value.map((a) => [a.person_id, a.name ?? ''])))
  return { queues, agents, calls, today, levels, degraded, loaded, error, live, agentNames }
}

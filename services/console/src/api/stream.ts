// The push stream as a composable. EventSource resumes by itself after a cut (Last-Event-ID); after a refusal (session gone, service
// restarting) it gives up, so we ask who we are (a 401 leads to the log-in page) and open it again. Closed with the component.
import { onBeforeUnmount, ref, type Ref } from 'vue'

import { get } from './client'

export interface PushEvent {
  type: string
  at: string
  matter_id: string
  key: string
  data: Record<string, unknown> | null
}

const AGAIN_MS = 3000

/** onEvent: each event. onGap: what was shown may be out of date (a stream begins, or events are lost): load it again. */
export function useStream(onEvent: (e: PushEvent) => void, onGap: () => void): { live: Ref<boolean> } {
  const live = ref(false)
  let source: EventSource
  let timer = 0

  function message(m: MessageEvent<string>): void {
    const e = JSON.parse(m.data) as PushEvent
    if (e.type.startsWith('feed.')) onGap()
    else onEvent(e)
  }

  async function again(): Promise<void> {
    await get('/v1/me').catch(() => undefined)
    open()
  }

  let open = (): void => {
    source = new EventSource('/v1/stream')
    source.onopen = () => (live.value = true)
    source.onmessage = message
    source.onerror = () => {
      live.value = false
      if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(() => void again(), AGAIN_MS)
    }
  }

  open()
  onBeforeUnmount(() => {
    clearTimeout(timer)
    source.close()
    open = () => undefined
  })
  return { live }
}

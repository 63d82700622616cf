// The push stream as a composable: reconnects by itself (EventSource sends Last-Event-ID), closed with the component.
import { onBeforeUnmount, ref, type Ref } from 'vue'

export interface PushEvent {
  type: string
  at: string
  matter_id: string
  key: string
  data: Record<string, unknown>
}

export function useStream(onEvent: (e: PushEvent) => void, onReopen: () => void): { live: Ref<boolean> } {
  const live = ref(false)
  let opened = false
  const source = new EventSource('/v1/stream')
  source.onopen = () => {
    live.value = true
    if (opened) onReopen()
    opened = true
  }
  source.onerror = () => {
    live.value = false
  }
  source.onmessage = (m) => onEvent(JSON.parse(m.data) as PushEvent)
  onBeforeUnmount(() => source.close())
  return { live }
}

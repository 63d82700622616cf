// Times on screens: the site's zone whatever the computer's is, and ages that grow by the second on the server's clock.
import { onBeforeUnmount, ref, type Ref } from 'vue'

import { skewMs } from './api/client'

const zone = 'Asia/Shanghai'
// sv-SE writes 2026-11-22 14:03:05: the same in both languages, and it sorts.
const whole = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })

export function useNow(): Ref<number> {
  const now = ref(Date.now() + skewMs.value)
  const timer = setInterval(() => (now.value = Date.now() + skewMs.value), 1000)
  onBeforeUnmount(() => clearInterval(timer))
  return now
}

export const dateTime = (at?: string | null): string => (at ? whole.format(new Date(at)) : '')
export const clockTime = (at?: string | null): string => dateTime(at).slice(11)

/** The hour alone on the day of `start`, with the date on other days. */
export function timeSince(at?: string | null, start?: string | null): string {
  return dateTime(at).slice(0, 10) === dateTime(start).slice(0, 10) ? clockTime(at) : dateTime(at)
}

/** 75_000 -> "1:15"; 3_700_000 -> "1:01:40" */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  const m = Math.floor((s % 3600) / 60)
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

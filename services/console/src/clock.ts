// Times on screens: the site's zone, ages that grow by the second.
import { onBeforeUnmount, ref, type Ref } from 'vue'

const zone = 'Asia/Shanghai'

export function useNow(): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), 1000)
  onBeforeUnmount(() => clearInterval(timer))
  return now
}

export function clockTime(at: string | null | undefined, locale: string): string {
  return at ? new Date(at).toLocaleTimeString(locale, { timeZone: zone, hour12: false }) : ''
}

export function dateTime(at: string | null | undefined, locale: string): string {
  return at ? new Date(at).toLocaleString(locale, { timeZone: zone, hour12: false }) : ''
}

/** 75_000 -> "1:15"; 3_700_000 -> "1:01:40" */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  const m = Math.floor((s % 3600) / 60)
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

/** For traces: "0.4 s", "12.3 s", then as span(). */
export function fineSpan(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms)
}

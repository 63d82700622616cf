// How things are said on screens: words of the catalogue, names in the reader's language, phone numbers, percentages, spans of time.
import { useI18n } from 'vue-i18n'

import { Problem } from './api/client'
import { span } from './clock'

const DAY_MS = 86_400_000

/** +8613888001234 as people here write it; a masked number keeps its stars. */
export function phone(n?: string): string {
  if (!n?.startsWith('+86')) return n ?? ''
  return /^1[3-9]/.test(n.slice(3)) ? n.slice(3) : `0${n.slice(3)}`
}

export const percent = (x?: number): string => `${((x ?? 0) * 100).toFixed(1)}%`

export function useWords() {
  const { t, te, locale } = useI18n()
  const isEnglish = (): boolean => locale.value === 'en'

  /** A code of the interface; what the catalogue does not know (a site's own reason, say) is shown as it is. */
  const word = (group: string, key?: string): string => (key && te(`${group}.${key}`, 'zh-CN') ? t(`${group}.${key}`) : (key ?? ''))

  const name = (x: { name?: string; name_en?: string; code?: string }): string => (isEnglish() ? x.name_en || x.name : x.name) || x.code || ''

  const title = (x: { title?: string; title_en?: string }): string => (isEnglish() ? x.title_en || x.title : x.title) ?? ''

  /** What a matter is about: the order's subject in the citizen's words, or, without an order, the call. */
  function about(s?: string): string {
    const called = /^来电 (\S+)$/.exec(s ?? '')
    return called ? t('matters.call', { n: called[1] }) : s || '–'
  }

  /** "未接听 / not answered: no_answer" is written in both languages by the services: the reader's half, and the code as a word. */
  function detail(s?: string): string {
    const seconds = /^([\d.]+) s$/.exec(s ?? '')
    if (seconds) return t('span.seconds', { n: seconds[1] })
    const m = /^([^\x20-\x7e]+) \/ ([a-z ]+)(?:: (.*))?$/.exec(s ?? '')
    if (!m) return /^[a-z_]+$/.test(s ?? '') ? word('reason', s) : phone(s)
    return (isEnglish() ? m[2] : m[1]) + (m[3] ? (isEnglish() ? ': ' : '：') + word('reason', m[3]) : '')
  }

  /** For traces: tenths of seconds, then minutes and hours, then days. */
  function fine(ms = 0): string {
    if (ms > 0 && ms < 50) return t('span.seconds', { n: '< 0.1' })
    if (ms < 60_000) return t('span.seconds', { n: (ms / 1000).toFixed(1) })
    return ms < DAY_MS ? span(ms) : t('span.days', { n: Math.floor(ms / DAY_MS), rest: span(ms % DAY_MS) })
  }

  const why = (e: unknown): string => (e instanceof Problem ? e.message : t('app.offline'))

  return { t, locale, isEnglish, word, name, title, about, detail, fine, why }
}

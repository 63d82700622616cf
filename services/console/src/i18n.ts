import en from './locales/en'
import zh from './locales/zh'

export type Locale = 'zh-CN' | 'en'
export const messages = { 'zh-CN': zh, en }

const KEY = 'yc.locale'
export function startLocale(): Locale {
  return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh-CN'
}
export function keepLocale(l: Locale): void {
  localStorage.setItem(KEY, l)
  document.documentElement.lang = l
}

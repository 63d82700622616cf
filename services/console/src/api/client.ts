// One way to the REST interface: cookie session, CSRF header on writes, problems (RFC 9457) as errors.
import { ref } from 'vue'

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly detail: string,
  ) {
    super(title || `HTTP ${status}`)
  }
}

/** How far the server's clock is ahead of this computer's; ages on screens are counted with it. */
export const skewMs = ref(0)

let csrf = ''
let onExpired: () => void = () => undefined

export function setCsrf(token: string): void {
  csrf = token
}

/** What to do when the session has ended; called for any 401 except that of signing in. */
export function whenExpired(fn: () => void): void {
  onExpired = fn
}

function measureClock(r: Response): void {
  const date = Date.parse(r.headers.get('Date') ?? '')
  const ahead = date + 500 - Date.now()
  if (date) skewMs.value = Math.abs(ahead) > 2000 ? ahead : 0
}

function readJson(text: string): Record<string, string> {
  try {
    return text ? JSON.parse(text) : {}
  } catch {
    return {}
  }
}

const key = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') {
    headers['X-CSRF-Token'] = csrf
    headers['Idempotency-Key'] = key()
  }
  const r = await fetch(path, { method, headers, credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body) })
  measureClock(r)
  const json = readJson(await r.text())
  if (r.ok) return json as T
  if (r.status === 401 && path !== '/v1/sessions') onExpired()
  throw new Problem(r.status, json.code ?? '', json.title ?? '', json.detail ?? '')
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path)

interface Page<T> {
  data?: T[]
  has_more?: boolean
  next_cursor?: string
}

/** A list that is shown whole: page by page, at most `most` rows. */
export async function getAll<T>(path: string, most = 1000): Promise<T[]> {
  const rows: T[] = []
  let after = ''
  do {
    const r = await get<Page<T>>(`${path}?limit=100${after && `&starting_after=${encodeURIComponent(after)}`}`)
    rows.push(...(r.data ?? []))
    after = r.has_more ? (r.next_cursor ?? '') : ''
  } while (after && rows.length < most)
  return rows
}

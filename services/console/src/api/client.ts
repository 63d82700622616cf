// One way to the REST interface: cookie session, CSRF header on writes, problems (RFC 9457) as errors.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly field: string,
  ) {
    super(detail || title)
  }
}

let csrf = ''
export function setCsrf(token: string): void {
  csrf = token
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') {
    headers['X-CSRF-Token'] = csrf
    headers['Idempotency-Key'] = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`
  }
  const r = await fetch(path, { method, headers, credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body) })
  const text = await r.text()
  const json = text ? JSON.parse(text) : {}
  if (!r.ok) throw new Problem(r.status, json.title ?? r.statusText, json.detail ?? '', json.errors?.[0]?.pointer ?? '')
  return json as T
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path)

// Names for the generated schemas (src/api/schema.d.ts is made from docs/openapi.json at build).
import type { components } from './schema'

type S = components['schemas']
export type Agent = S['Agent']
export type Call = S['Call']
export type IntervalRow = S['IntervalRow']
export type Matter = S['Matter']
export type MatterRow = S['MatterRow']
export type MatterStep = S['MatterStep']
export type Matters = S['Matters']
export type Me = S['TokenReply']
export type Queue = S['Queue']
export type QueueLive = S['QueueLive']
export type QueuesLive = S['QueuesLive']
export type Session = S['Session']
export type TodayReply = S['TodayReply']

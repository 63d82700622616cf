import type { Catalogue } from './zh'

const en: Catalogue = {
  app: {
    title: 'Yichuang', sub: 'Customer service platform', wall: 'Live wall', matters: 'Matters', signOut: 'Sign out', other: '中文', skip: 'Skip to content',
    menu: 'Main menu', loading: 'Loading…', failed: 'Could not get the data: {why}', offline: 'the server cannot be reached',
  },
  login: {
    title: 'Sign in', name: 'Login', password: 'Password', submit: 'Sign in', wrong: 'Wrong login or password', many: 'Too many failed attempts: try again later',
    failed: 'Could not sign in: {why}', expired: 'The session has ended: please sign in again',
  },
  span: { seconds: '{n} s', days: '{n} d {rest}' },
  wall: {
    title: 'Live wall', live: 'Live', lost: 'Connection lost, reconnecting', queues: 'Queues', queue: 'Queue', waiting: 'Waiting', oldest: 'Longest wait',
    target: 'Target', offered: 'Ringing', talking: 'Talking', ready: 'Ready', staffed: 'Signed in', agents: 'Agents', calls: 'Calls in progress', none: 'None',
    caller: 'Caller', called: 'Dialled', agent: 'Agent', state: 'State', lasts: 'Duration', trace: 'Trace', phone: 'Phone {n}', phoneLost: 'Phone {n} is not registered',
    sort: 'Sort', by: { state: 'By state', age: 'By time', number: 'By number' }, showOffline: 'Show offline', today: 'Today', offeredToday: 'Offered today',
    answered: 'Answered', abandoned: 'Abandoned', rate: 'Answer rate', level: 'Service level', meanWait: 'Mean wait', p90Wait: 'P90 wait',
    degraded: 'Degraded: shared state is unavailable',
  },
  status: { offline: 'Offline', ready: 'Ready', break: 'Break', offered: 'Ringing', busy: 'Talking', wrap_up: 'Wrap-up' },
  cause: { self: 'self', leader: 'leader', system: 'system' },
  reason: {
    no_answer: 'no answer', rejected: 'rejected', declined: 'declined', busy: 'phone busy', phone_unreachable: 'phone unreachable', phone_lost: 'phone lost',
    console_lost: 'console lost', signed_in: 'signed in', signed_out: 'signed out', after_wrap_up: 'after wrap-up', lunch: 'lunch', rest: 'rest',
    training: 'training', meeting: 'meeting', caller_left: 'caller left', gateway_lost: 'gateway lost',
  },
  call: { arriving: 'Arriving', ivr: 'Menu', queued: 'Queued', offered: 'Ringing', talking: 'Talking', closing: 'Closing', ended: 'Ended' },
  matters: {
    title: 'Matters', opened: 'Opened', customer: 'Customer', what: 'About', order: 'Order', state: 'State', all: 'All', search: 'Phone or order number', more: 'More',
    call: 'Call to {n}', noneFound: 'No matter fits',
  },
  state: { open: 'Open', closed: 'Closed' },
  matter: {
    title: 'The whole matter', back: 'Matters', waiting: 'Waiting', working: 'Working', elapsed: 'Elapsed', touches: 'Touches', customer: 'Customer',
    orders: 'Orders', recording: 'Recording', notFound: 'No such matter', cannotPlay: 'Cannot be played: not permitted, or the file is gone', allowed: 'Allowed',
  },
}
export default en

export type Locale = 'zh-CN' | 'en'

const zh = {
  app: { title: '一窗', sub: '客户服务平台', wall: '实时大屏', matters: '事项', signOut: '退出', other: 'English' },
  login: { title: '登录', name: '登录名', password: '口令', submit: '登录', failed: '登录失败：{why}' },
  wall: {
    title: '实时大屏', live: '实时', lost: '连接中断，正在重连', queues: '队列', queue: '队列', waiting: '等待', oldest: '最长等待', offered: '振铃', talking: '通话',
    ready: '空闲', staffed: '在席', agents: '座席', calls: '进行中的通话', none: '暂无', caller: '来电', called: '被叫', agent: '座席', state: '状态',
    phone: '话机', phoneLost: '话机未注册', today: '今日', offeredToday: '进线', answered: '接通', abandoned: '放弃', rate: '接通率', level: '服务水平',
    meanWait: '平均等待', p90Wait: 'P90 等待', degraded: '降级运行：共享状态暂不可用',
  },
  status: { offline: '离线', ready: '空闲', break: '小休', offered: '振铃', busy: '通话', wrap_up: '话后' },
  cause: { self: '本人', leader: '班长', system: '系统', '': '' },
  reason: {
    no_answer: '未应答', rejected: '拒接', phone_unreachable: '话机不可达', phone_lost: '话机掉线', console_lost: '座席端掉线', lunch: '用餐', rest: '休息', training: '培训',
    meeting: '会议',
  },
  call: { arriving: '呼入', ivr: '语音导航', queued: '排队', offered: '振铃', talking: '通话', ended: '结束' },
  matters: { title: '事项', opened: '开始时间', customer: '客户', what: '事由', order: '工单号', state: '状态', open: '打开', search: '电话或工单号', more: '更多' },
  state: { open: '办理中', closed: '已办结', ended: '已结束' },
  matter: {
    title: '事项全程', back: '返回', waiting: '等待', working: '办理', elapsed: '全程', touches: '经手', steps: '步骤', customer: '客户', orders: '工单', recordings: '录音',
    notFound: '没有这个事项', listen: '收听', who: '经办', time: '时间', allowed: '时限',
  },
}

type Shape<T> = { [K in keyof T]: T[K] extends string ? string : Shape<T[K]> }

const en: Shape<typeof zh> = {
  app: { title: 'Yichuang', sub: 'Customer service platform', wall: 'Live wall', matters: 'Matters', signOut: 'Sign out', other: '中文' },
  login: { title: 'Sign in', name: 'Login', password: 'Password', submit: 'Sign in', failed: 'Could not sign in: {why}' },
  wall: {
    title: 'Live wall', live: 'Live', lost: 'Connection lost, reconnecting', queues: 'Queues', queue: 'Queue', waiting: 'Waiting', oldest: 'Longest wait',
    offered: 'Ringing', talking: 'Talking', ready: 'Ready', staffed: 'Signed in', agents: 'Agents', calls: 'Calls in progress', none: 'None', caller: 'Caller',
    called: 'Dialled', agent: 'Agent', state: 'State', phone: 'Phone', phoneLost: 'Phone not registered', today: 'Today', offeredToday: 'Offered',
    answered: 'Answered', abandoned: 'Abandoned', rate: 'Answer rate', level: 'Service level', meanWait: 'Mean wait', p90Wait: 'P90 wait',
    degraded: 'Degraded: shared state is unavailable',
  },
  status: { offline: 'Offline', ready: 'Ready', break: 'Break', offered: 'Ringing', busy: 'Talking', wrap_up: 'Wrap-up' },
  cause: { self: 'self', leader: 'leader', system: 'system', '': '' },
  reason: {
    no_answer: 'no answer', rejected: 'rejected', phone_unreachable: 'phone unreachable', phone_lost: 'phone lost', console_lost: 'console lost', lunch: 'lunch',
    rest: 'rest', training: 'training', meeting: 'meeting',
  },
  call: { arriving: 'Arriving', ivr: 'Menu', queued: 'Queued', offered: 'Ringing', talking: 'Talking', ended: 'Ended' },
  matters: { title: 'Matters', opened: 'Opened', customer: 'Customer', what: 'About', order: 'Order', state: 'State', open: 'Open', search: 'Phone or order number', more: 'More' },
  state: { open: 'In progress', closed: 'Closed', ended: 'Ended' },
  matter: {
    title: 'The whole matter', back: 'Back', waiting: 'Waiting', working: 'Working', elapsed: 'Elapsed', touches: 'Touches', steps: 'Steps', customer: 'Customer',
    orders: 'Orders', recordings: 'Recordings', notFound: 'No such matter', listen: 'Listen', who: 'By', time: 'Time', allowed: 'Allowed',
  },
}

export const messages = { 'zh-CN': zh, en }

const KEY = 'yc.locale'
export function startLocale(): Locale {
  return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh-CN'
}
export function keepLocale(l: Locale): void {
  localStorage.setItem(KEY, l)
  document.documentElement.lang = l
}

// The catalogue. Chinese is the source; en.ts must have the same keys, or the build fails.
const zh = {
  app: {
    title: '一窗', sub: '客户服务平台', wall: '实时大屏', matters: '事项', signOut: '退出', other: 'English', skip: '跳到正文', menu: '主菜单', loading: '加载中…',
    failed: '未能取得数据：{why}', offline: '连不上服务器',
  },
  login: {
    title: '登录', name: '登录名', password: '口令', submit: '登录', wrong: '登录名或口令不正确', many: '失败次数过多，请稍后再试', failed: '登录失败：{why}',
    expired: '会话已结束，请重新登录',
  },
  span: { seconds: '{n} 秒', days: '{n} 天 {rest}' },
  wall: {
    title: '实时大屏', live: '实时', lost: '连接中断，正在重连', queues: '队列', queue: '队列', waiting: '等待', oldest: '最长等待', target: '目标', offered: '振铃',
    talking: '通话', ready: '空闲', staffed: '在席', agents: '座席', calls: '进行中的通话', none: '暂无', caller: '来电', called: '被叫', agent: '座席', state: '状态',
    lasts: '时长', trace: '全程', phone: '话机 {n}', phoneLost: '话机 {n} 未注册', sort: '排序', by: { state: '按状态', age: '按时长', number: '按工号' },
    showOffline: '显示离线', today: '今日', offeredToday: '今日进线', answered: '接通', abandoned: '放弃', rate: '接通率', level: '服务水平', meanWait: '平均等待',
    p90Wait: 'P90 等待', degraded: '降级运行：共享状态暂不可用',
  },
  status: { offline: '离线', ready: '空闲', break: '小休', offered: '振铃', busy: '通话', wrap_up: '话后' },
  cause: { self: '本人', leader: '班长', system: '系统' },
  reason: {
    no_answer: '未应答', rejected: '拒接', declined: '拒接', busy: '话机忙', phone_unreachable: '话机不可达', phone_lost: '话机掉线', console_lost: '座席端掉线',
    signed_in: '已签入', signed_out: '已签出', after_wrap_up: '话后小休', lunch: '用餐', rest: '休息', training: '培训', meeting: '会议', caller_left: '客户挂机',
    gateway_lost: '网关中断',
  },
  call: { arriving: '呼入', ivr: '语音导航', queued: '排队', offered: '振铃', talking: '通话', closing: '正在结束', ended: '结束' },
  matters: {
    title: '事项', opened: '开始时间', customer: '客户', what: '事由', order: '工单号', state: '状态', all: '全部', search: '电话或工单号', more: '更多',
    call: '来电 {n}', noneFound: '没有符合条件的事项',
  },
  state: { open: '办理中', closed: '已结束' },
  matter: {
    title: '事项全程', back: '事项', waiting: '等待', working: '办理', elapsed: '全程', touches: '经手', customer: '客户', orders: '工单', recording: '录音',
    notFound: '没有这个事项', cannotPlay: '录音无法播放：没有权限或文件已不在', allowed: '时限',
  },
}
export default zh

type Shape<T> = { [K in keyof T]: T[K] extends string ? string : Shape<T[K]> }
export type Catalogue = Shape<typeof zh>

// What the page says, in both languages.

const ZH = {
  about: '小程序的客户端，本机的后端',
  language: 'English',
  who: '用户',
  changeAvatar: '更换头像',
  signOut: '退出所有设备',
  signedOut: '已在所有设备上退出；下次调用会自动登录',
  session: '会话有效期至 {until}',
  noSession: '未登录',
  tasks: '任务',
  newTask: '新任务，例如：4 号货架',
  create: '新建',
  noTasks: '还没有任务，先新建一个。',
  untitled: '未命名',
  photos: '照片',
  chooseTask: '新建或选择一个任务，然后把照片拖到这里。',
  add: '添加照片',
  drop: '拖放或选择',
  samples: '示例照片',
  retry: '重试',
  discard: '放弃',
  cancel: '取消',
  waiting: '排队中',
  again: '{why}：{seconds} 秒后重试',
  processing: '处理中',
  pending: '准备中',
  rejected: '无法显示',
  unreachable: '图片加载失败，点此重试',
  openPhoto: '第 {at} 张照片',
  shared: '别人分享给我的',
  sharedHint: '凭地址即可打开，不需要会话。',
  sharedWith: '{user} 现在可以看到这张照片',
  shareWith: '分享给 {user}',
  copy: '复制地址',
  copied: '地址已复制',
  remove: '删除',
  close: '关闭',
  faults: '故障',
  slow: '网络很慢',
  shaky: '网络不稳（五分之一的请求中断）',
  offline: '没有网络',
  s3_down: 'S3 停机',
  busy: '微信繁忙（影响登录）',
  expire: '让当前会话失效',
  expired: '会话已失效；下一次调用会重新登录',
  calls: '调用',
  call: '调用',
  status: '状态',
  time: '时间',
  sum: '{count} 次，{failed} 次失败',
}

const EN = {
  about: 'A mini-program’s client, this machine’s back end',
  language: '中文',
  who: 'User',
  changeAvatar: 'Change avatar',
  signOut: 'Sign out everywhere',
  signedOut: 'Signed out on all devices; the next call signs in again',
  session: 'Session until {until}',
  noSession: 'Not signed in',
  tasks: 'Tasks',
  newTask: 'New task, as: Shelf 4',
  create: 'Create',
  noTasks: 'There is no task yet. Create one.',
  untitled: 'Untitled',
  photos: 'Photos',
  chooseTask: 'Create or choose a task, then drop photos here.',
  add: 'Add photos',
  drop: 'drop or choose',
  samples: 'Sample photos',
  retry: 'Retry',
  discard: 'Discard',
  cancel: 'Cancel',
  waiting: 'waiting',
  again: '{why}: again in {seconds} s',
  processing: 'being processed',
  pending: 'In preparation',
  rejected: 'Not available',
  unreachable: 'The picture does not load. Try again',
  openPhoto: 'Photo {at}',
  shared: 'Shared with me',
  sharedHint: 'Opened by its address alone, without a session.',
  sharedWith: '{user} can see this photo now',
  shareWith: 'Share with {user}',
  copy: 'Copy address',
  copied: 'The address is copied',
  remove: 'Delete',
  close: 'Close',
  faults: 'Faults',
  slow: 'Slow network',
  shaky: 'Shaky network (one call in five breaks)',
  offline: 'No network',
  s3_down: 'S3 is down',
  busy: 'WeChat is busy (at sign-in)',
  expire: 'End this session behind the client’s back',
  expired: 'The session has ended; the next call signs in again',
  calls: 'Calls',
  call: 'Call',
  status: 'Status',
  time: 'Time',
  sum: '{count} calls, {failed} failed',
}

// The client's own texts are Chinese; English readers get these by the error's name.
const ERRORS = {
  aborted: 'Cancelled',
  bad_answer: 'The service gave a strange answer',
  bad_request: 'The request is malformed',
  busy: 'The system is busy, try again later',
  code_invalid: 'WeChat does not know this sign-in, try again',
  image_incomplete: 'This picture is not complete, choose it again',
  image_invalid: 'This picture is damaged',
  image_too_large: 'This picture is too large',
  image_unsupported: 'This is no supported picture (JPEG, PNG, WebP, GIF)',
  internal: 'Something is broken',
  interrupted: 'The network was interrupted',
  network_error: 'There is no network',
  not_found: 'This is not there',
  session_invalid: 'Not signed in',
  still_pending: 'The picture is still being prepared',
  task_full: 'The task is full',
  task_not_found: 'There is no such task',
  timeout: 'The network is too slow',
  too_many_requests: 'Too many calls, wait a little',
  wechat_unavailable: 'WeChat does not answer, try again later',
}

const LANGUAGE = 'mini-functions language'
let language = localStorage.getItem(LANGUAGE) ?? (navigator.language.startsWith('zh') ? 'zh-CN' : 'en')

export function say(name, values = {}) {
  const text = (language === 'en' ? EN : ZH)[name]
  return text.replace(/\{(\w+)\}/g, (_, value) => values[value])
}

export function sayError(error) {
  return language === 'en' ? (ERRORS[error.error] ?? error.error) : error.errmsg
}

export function sayTime(rfc3339) {
  return new Date(rfc3339).toLocaleString(language, { dateStyle: 'short', timeStyle: 'short' })
}

/** Writes what stands in the page itself. */
export function writeTexts() {
  document.documentElement.lang = language
  document.querySelectorAll('[data-text]').forEach((element) => { element.textContent = say(element.dataset.text) })
  document.querySelectorAll('[data-placeholder]').forEach((element) => { element.placeholder = say(element.dataset.placeholder) })
  const button = document.getElementById('language')
  button.textContent = say('language')
  button.lang = language === 'en' ? 'zh-CN' : 'en'
}

export function switchLanguage() {
  language = language === 'en' ? 'zh-CN' : 'en'
  localStorage.setItem(LANGUAGE, language)
}

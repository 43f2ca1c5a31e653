/*
 * The client of mini-functions for WeChat mini-programs, in one file: copy it, or install it and "build npm".
 * Plain ES2018 without dependencies; base library 2.25 or newer. What it does is in README.md, its types are in index.d.ts.
 * It is a module; `make docs` makes the CommonJS one in miniprogram_dist/ of it by exchanging the last lines.
 */

/** @typedef {import('./index.js').Session} Session */
/** @typedef {import('./index.js').Signal} Signal */
/** @typedef {import('./index.js').Image} Image */
/** @typedef {import('./index.js').BatchPhoto} Photo */
/** @typedef {import('./index.js').Variant} Variant */
/** @typedef {(share: number) => void} OnShare Of 0 to 1, what has been sent or received. */
/** @typedef {(state: Photo['state'], more?: Partial<Photo>) => void} Report */
/** @typedef {{ taskId: string, filePath: string, uploadId: string, saved?: boolean }} Kept */

const REQUESTS_AT_ONCE = 8 // of the platform's 10: two are left to the pages
const UPLOADS_AT_ONCE = 3
const TASK_UPLOAD_BYTES = 4 * 1024 * 1024 // what API Gateway has room for; larger photos go to S3 by a ticket
const NAMES_AT_ONCE = 50
const LONGEST_PAUSE = 10000
const LONGEST_WAIT_ON_REQUEST = 30 // seconds; whoever is told to wait longer should tell the user
const FRESH_FOR_AT_LEAST = 60000
const POLLS_OF_A_TICKET = 40
const LONGEST_PAUSE_OF_POLLS = 3000
const ALMOST_DONE = 0.99 // what is sent is not stored yet

// POST routes that may be sent again after a lost answer: a repetition adds nothing.
const SAFE_TO_REPEAT = ['POST /tasks', 'POST /tasks/{task_id}/uploads', 'POST /images/resolve']

// Unknown, Chromium's own, too many calls at once (the page may have some), unknown and system error of a request.
const WORTH_ANOTHER_TRY = [600000, 600001, 600007, 602000, 602001]

/** @type {{ [type: string]: RegExp }} */
const SIGNATURES = {
  jpeg: /^\xff\xd8\xff/, png: /^\x89PNG/, webp: /^RIFF[^]{4}WEBP/, gif: /^GIF8/, heic: /^[^]{4}ftyp/,
}

// What `fail` says: old base libraries have no errno, and their texts are those of the phone's system.
/** @type {[error: string, retryable: boolean, text: RegExp, errno?: number][]} */
const FAULTS = [
  ['aborted', false, /fail abort/i],
  ['file_missing', false, /file (doesn't|not) (exist|found)|no such file/i],
  ['domain_not_allowed', false, /domain list/i, 600002],
  ['interrupted', true, /interrupted/i, 600003],
  ['timeout', true, /time.?d?.?out/i, 5],
]

// What has no text from the server: refusals of API Gateway, reasons of rejected photos, and what failed on the phone.
/** @type {{ [error: string]: string }} */
const TEXTS = {
  bad_answer: '服务异常，请稍后再试',
  busy: '系统繁忙，请稍后再试',
  image_incomplete: '图片不完整，请重新选择',
  image_invalid: '无法识别的图片',
  image_refused: '图片未通过审核',
  image_too_large: '图片太大',
  image_unsupported: '不支持的图片格式',
  internal: '系统错误',
  not_found: '资源不存在',
  task_full: '任务图片数量已达上限',
  too_many_requests: '请求过于频繁',
  aborted: '已取消',
  domain_not_allowed: '请求的域名未配置',
  file_missing: '图片文件不存在，请重新选择',
  interrupted: '网络中断，请重试',
  invalid_call: '调用有误',
  network_error: '网络连接失败，请检查网络后重试',
  still_pending: '图片处理中，请稍后查看',
  timeout: '网络超时，请稍后再试',
  upload_refused: '图片上传失败，请重试',
}

/** @type {{ [status: number]: [error: string, errcode: number, retryable: boolean] }} */
const GATEWAY_ANSWERS = {
  413: ['image_too_large', 41301, false],
  429: ['too_many_requests', 42901, true],
  500: ['internal', 50001, true], // the function failed or ran into its timeout: unlike our own 500, another try may do
  503: ['busy', 50302, true],
}

class ApiError extends Error {
  /** @param {string} error  @param {Partial<import('./index.js').ApiErrorFields>} [fields] */
  constructor(error, fields) {
    super((fields && fields.errmsg) || TEXTS[error] || TEXTS.bad_answer)
    this.name = 'ApiError'
    this.error = error
    Object.assign(this, { errcode: 0, status: 0, retryable: false }, fields)
    this.errmsg = this.message
  }
}

/** A fault of the program, not of the world. @param {string} detail  @param {unknown} [cause] */
function invalid(detail, cause) {
  return new ApiError('invalid_call', { errmsg: TEXTS.invalid_call + '：' + detail, detail, cause })
}

/**
 * What was thrown, or what `fail` of a `wx` call was told.
 * @param {any} fault  @returns {any} An `import('./index.js').ApiError`; the fields of ours are not known to be its.
 */
function failure(fault) {
  if (fault instanceof ApiError) return fault
  if (fault instanceof Error && !('errMsg' in fault)) return invalid(fault.message, fault)
  const text = String((fault && fault.errMsg) || fault)
  const errno = fault && fault.errno
  const known = FAULTS.find(([, , says, number]) => says.test(text) || (errno && errno === number))
  const [error, retryable] = known || ['network_error', errno === undefined || WORTH_ANOTHER_TRY.indexOf(errno) >= 0]
  return new ApiError(error, { retryable, cause: fault })
}

/** What an HTTP answer is worth: its data, or an error. @param {{ statusCode: number | string, data: any }} answer */
function judge(answer) {
  const status = Number(answer.statusCode)
  const data = parsed(answer.data)
  if (status >= 200 && status < 300) {
    if (typeof answer.data === 'string' && answer.data !== '' && data === undefined) {
      throw new ApiError('bad_answer', { status, retryable: true, cause: answer.data }) // a Wi-Fi's sign-in page
    }
    return data
  }
  if (data && data.error) {
    throw new ApiError(data.error, {
      errcode: data.errcode, errmsg: data.errmsg, detail: data.detail, requestId: data.request_id, retryAfter: data.retry_after,
      status, retryable: status === 429 || status === 503,
    })
  }
  const [error, errcode, retryable] = GATEWAY_ANSWERS[status > 500 ? 503 : status] || ['bad_answer', 0, false]
  throw new ApiError(error, { errcode, status, retryable, cause: answer.data })
}

/** `wx.uploadFile` gives text whatever came. @param {any} data */
function parsed(data) {
  if (typeof data !== 'string') return data
  try {
    return JSON.parse(data)
  } catch (_) {
    return undefined
  }
}

/** Of calls that are a convenience: what throws gives nothing. @param {() => any} work */
function unlessItThrows(work) {
  try {
    return work()
  } catch (_) {
    return undefined
  }
}

/** A callback of the page: its faults are not ours. @param {((progress: any) => void) | undefined} listener  @param {any} progress */
function inform(listener, progress) {
  try {
    if (listener) listener(progress)
  } catch (fault) {
    console.error(fault)
  }
}

/** Lets at most so many works run at once; the others wait in their order. @param {number} size */
function gate(size) {
  let free = size
  /** @type {(() => void)[]} */
  const waiting = []
  return async (/** @type {() => Promise<any>} */ work) => {
    if (free > 0) free -= 1
    else await new Promise((/** @type {(_?: any) => void} */ go) => waiting.push(go))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

/** @returns {string} */
function randomId() {
  const part = () => Math.random().toString(36).slice(2, 12)
  return Date.now().toString(36) + '-' + part() + part()
}

/** Base libraries have no AbortController. @returns {import('./index.js').Abort} */
function createAbort() {
  /** @type {(() => void)[]} */
  let listeners = []
  const signal = {
    aborted: false,
    addEventListener: (/** @type {'abort'} */ _, /** @type {() => void} */ listener) => { listeners.push(listener) },
    removeEventListener: (/** @type {'abort'} */ _, /** @type {() => void} */ listener) => {
      listeners = listeners.filter((other) => other !== listener)
    },
  }
  return {
    signal,
    abort() {
      signal.aborted = true
      listeners.splice(0).forEach((listener) => listener())
    },
  }
}

/**
 * Calls `listener` when it is aborted; gives what takes the listener away.
 * @param {Signal | undefined} signal  @param {() => void} listener
 */
function onAbort(signal, listener) {
  if (!signal) return () => {}
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener)
  return () => signal.removeEventListener('abort', listener)
}

/**
 * Calls `wx`, or what a framework puts in its place: some give a task, some a promise with or without a task's methods.
 * @param {any} platform  @param {string} api  @param {any} option  @param {Signal} [signal]  @param {OnShare} [onShare]
 * @returns {Promise<any>}
 */
function asked(platform, api, option, signal, onShare) {
  return new Promise((resolve, reject) => {
    if (signal && signal.aborted) return reject(new ApiError('aborted'))
    let forget = () => {}
    const success = (/** @type {any} */ result) => { forget(); resolve(result) }
    const fail = (/** @type {any} */ fault) => { forget(); reject(failure(fault)) }
    const task = platform[api]({ ...option, success, fail }) || {}
    if (task.then) task.then(success, fail)
    const listen = task.onProgressUpdate || task.progress
    if (onShare && listen) {
      unlessItThrows(() => listen.call(task, (/** @type {any} */ now) => onShare(Math.min(now.progress / 100 || 0, 1))))
    }
    forget = onAbort(signal, () => {
      unlessItThrows(() => task.abort())
      reject(new ApiError('aborted'))
    })
  })
}

/** A part of a path. Nothing and dots would lead to another route. @param {any} value  @param {string} name */
function needed(value, name) {
  if (value === undefined || value === null || /^\.{0,2}$/.test(value)) throw invalid(name + ' is missing')
  return value
}

/** @param {any} found  What was in the storage. */
function isSession(found) {
  return Boolean(found && typeof found.session_id === 'string' && typeof found.user_id === 'string')
}

/** @param {string | undefined} baseUrl  @param {any} environments  @param {any} platform */
function addressOf(baseUrl, environments, platform) {
  // Where the platform does not say which version this is, it is the one that users have.
  const version = unlessItThrows(() => platform.getAccountInfoSync().miniProgram.envVersion) || 'release'
  const [name, address] = environments ? ['environments.' + version, environments[version]] : ['baseUrl', baseUrl]
  if (!/^https?:\/\/\w/.test(address)) throw invalid(name + ' is no https:// address')
  return address.replace(/\/+$/, '')
}

/** @param {import('./index.js').ClientOptions} options  @returns {import('./index.js').Client} */
function createClient(options) {
  const {
    baseUrl: given, environments, wx: platform = typeof wx === 'object' && wx, attempts = 6, firstPause = 500,
    parallel = UPLOADS_AT_ONCE, directBytes = TASK_UPLOAD_BYTES, requestTimeout = 15000, uploadTimeout = 120000,
    storage = {
      get: (/** @type {string} */ key) => platform.getStorageSync(key),
      set: (/** @type {string} */ key, /** @type {any} */ value) => platform.setStorageSync(key, value),
      remove: (/** @type {string} */ key) => platform.removeStorageSync(key),
    },
    ...unknown
  } = /** @type {any} */ (options || {})
  Object.keys(unknown).forEach((name) => { throw invalid('createClient has no option ' + name) })
  if (!platform) throw invalid('there is no wx here: give it as an option')
  const baseUrl = addressOf(given, environments, platform)
  const requests = gate(REQUESTS_AT_ONCE)
  const uploads = gate(Math.min(parallel, REQUESTS_AT_ONCE - 1))

  // ---- an app in the background, a phone without a network ----------------------------------------------------------------

  let hidden = false
  /** @type {Set<() => void>} */
  const untilShown = new Set()
  /** @type {Set<() => void>} */
  const untilOnline = new Set()
  unlessItThrows(() => platform.onAppHide(() => { hidden = true }))
  unlessItThrows(() => platform.onAppShow(() => {
    hidden = false
    untilShown.forEach((go) => go())
  }))
  unlessItThrows(() => platform.onNetworkStatusChange((/** @type {any} */ { isConnected }) => {
    if (isConnected) untilOnline.forEach((go) => go())
  }))

  /** @returns {Promise<boolean>} */
  function isOffline() {
    return asked(platform, 'getNetworkType', {}).then(({ networkType }) => networkType === 'none', () => false)
  }

  /**
   * @param {number} milliseconds  @param {Signal} [signal]  @param {boolean} [orOnline] Ends when the network is back, too.
   * @returns {Promise<void>}
   */
  function pause(milliseconds, signal, orOnline) {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        untilShown.delete(go)
        untilOnline.delete(go)
        forget()
      }
      const go = () => { end(); resolve() }
      const timer = setTimeout(() => { if (hidden) untilShown.add(go); else go() }, milliseconds)
      if (orOnline) untilOnline.add(go)
      let forget = () => {}
      forget = onAbort(signal, () => { end(); reject(new ApiError('aborted')) })
    })
  }

  /**
   * Tries again what is worth it. What fails while the app is hidden does not count: WeChat cuts all connections then.
   * Without a network no try is worth it.
   * @param {() => Promise<any>} attempt  @param {Signal} [signal]  @param {Report} [report]
   */
  async function persist(attempt, signal, report) {
    for (let tried = 1; ; tried += 1) {
      try {
        return await attempt()
      } catch (fault) {
        const error = failure(fault)
        if (hidden) tried = 0
        const asksFor = (error.retryAfter || 0) * 1000
        if (!error.retryable || tried >= attempts || asksFor > LONGEST_WAIT_ON_REQUEST * 1000) throw error
        if (!hidden && !error.status && await isOffline()) throw error
        const backoff = Math.min(firstPause * Math.pow(2, tried - 1), LONGEST_PAUSE) * (0.5 + Math.random())
        const wait = Math.max(backoff, asksFor)
        if (report) report('retrying', { attempt: tried + 1, seconds: Math.ceil(wait / 1000), error })
        await pause(wait, signal)
      }
    }
  }

  /** Uploads wait for a network instead of failing. @param {() => Promise<any>} work  @param {Signal | undefined} signal  @param {Report} report */
  async function onceOnline(work, signal, report) {
    for (;;) {
      try {
        if (await isOffline()) throw new ApiError('network_error', { retryable: true })
        return await work()
      } catch (fault) {
        const error = failure(fault)
        if (error.status || !error.retryable || !(await isOffline())) throw error
        report('waiting', { error })
        await pause(LONGEST_PAUSE, signal, true)
      }
    }
  }

  /**
   * One HTTP request, and what it was answered, whatever the status.
   * @param {'request' | 'uploadFile' | 'downloadFile'} api  @param {any} option  @param {Signal} [signal]  @param {OnShare} [onShare]
   */
  function answer(api, option, signal, onShare) {
    const timeout = api === 'request' ? requestTimeout : uploadTimeout
    return requests(() => asked(platform, api, { timeout, ...option }, signal, onShare))
  }

  // ---- who is calling -------------------------------------------------------------------------------------------------------

  const storageKey = 'mini-functions ' + baseUrl
  const stored = unlessItThrows(() => storage.get(storageKey))
  /** @type {Session | null} */
  let session = isSession(stored) ? stored : null
  /** @type {Promise<Session> | null} */
  let signingIn = null

  /** A storage that refuses keeps nobody out: the session then lives as long as the app. @param {Session | null} next */
  function keep(next) {
    session = next
    unlessItThrows(() => (next ? storage.set(storageKey, next) : storage.remove(storageKey)))
  }

  /** @param {{ force?: boolean }} [how]  @returns {Promise<Session>} */
  function login({ force } = {}) {
    if (session && !force) return Promise.resolve(session)
    if (!signingIn) {
      const over = () => { signingIn = null }
      signingIn = persist(signIn)
      signingIn.then(over, over)
    }
    return signingIn
  }

  /** Each try has a code of its own: one that was sent may be used up. @returns {Promise<Session>} */
  async function signIn() {
    try {
      return await redeem()
    } catch (error) {
      if (failure(error).error !== 'code_invalid') throw error
      return redeem()
    }
  }

  async function redeem() {
    const { code } = await asked(platform, 'login', { timeout: requestTimeout })
    const made = judge(await answer('request', { url: baseUrl + '/session', method: 'POST', data: { code } }))
    if (!isSession(made)) throw new ApiError('bad_answer', { retryable: true, cause: made })
    keep(made)
    return made
  }

  /**
   * Works under a session: once more under a new one if it has ended, and never a third time.
   * @param {(header: any) => Promise<any>} work
   */
  async function signed(work) {
    const used = session || (await login())
    try {
      return await work(headers(used))
    } catch (error) {
      if (failure(error).error !== 'session_invalid') throw error
      if (session === used) keep(null) // otherwise someone else has signed in meanwhile
      return work(headers(session || (await login())))
    }
  }

  /** @param {Session} of */
  function headers(of) {
    return { 'session-id': of.session_id, 'user-id': of.user_id }
  }

  /** @param {{ everywhere?: boolean }} [how] */
  async function logout({ everywhere } = {}) {
    const used = session
    if (!used) return
    try {
      await exchange('DELETE /session', everywhere ? { query: { scope: 'all' } } : {}, everywhere ? null : used)
    } catch (error) {
      if (everywhere || failure(error).error !== 'session_invalid') throw error // it has ended already
    }
    if (everywhere || session === used) keep(null)
  }

  // ---- calls ----------------------------------------------------------------------------------------------------------------

  /**
   * @param {string} route  @param {any} [call]  @param {Session | null} [under] This session, and no other.
   * @returns {Promise<{ data: any, header: any }>}
   */
  async function exchange(route, { path = {}, query = {}, body, signal, idempotencyKey, retry = true } = {}, under) {
    const [, method, pattern] = /^([A-Z]+) (\/\S*)$/.exec(route) || []
    if (!method) throw invalid(route + ' is no route')
    const filled = pattern.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(needed(path[name], route + ': path.' + name)))
    const search = Object.keys(query).filter((name) => query[name] !== undefined && query[name] !== null)
      .map((name) => encodeURIComponent(name) + '=' + encodeURIComponent(query[name])).join('&')
    const url = baseUrl + filled + (search && '?' + search)
    const extra = route === 'POST /tasks' ? { 'idempotency-key': idempotencyKey || randomId() } : {}
    const repeatable = retry && (method !== 'POST' || SAFE_TO_REPEAT.indexOf(route) >= 0)

    const work = (/** @type {any} */ header) => {
      const once = async () => {
        const answered = await answer('request', { url, method, data: body, header: { ...header, ...extra } }, signal)
        return { data: judge(answered), header: answered.header }
      }
      return repeatable ? persist(once, signal) : once()
    }
    return under ? work(headers(under)) : signed(work)
  }

  /** @param {string} route  @param {any} [call]  @returns {Promise<any>} */
  async function request(route, call) {
    return (await exchange(route, call)).data
  }

  // ---- uploads --------------------------------------------------------------------------------------------------------------

  /** @param {string} path  @param {Photo} photo  @param {Signal | undefined} signal  @param {Report} report  @returns {Promise<Image>} */
  function throughApi(path, photo, signal, report) {
    return signed((header) => persist(async () => judge(await posted(photo, {
      url: baseUrl + path, name: 'image', header, formData: { upload_id: photo.uploadId },
    }, signal, report)), signal, report))
  }

  /**
   * The form, sent once, and what it was answered. A second try starts at nothing; what the user sees does not.
   * @param {Photo} photo  @param {any} form  @param {Signal | undefined} signal  @param {Report} report
   */
  function posted(photo, form, signal, report) {
    report('sending')
    return answer('uploadFile', { filePath: photo.filePath, ...form }, signal, (share) => {
      photo.progress = Math.max(photo.progress, Math.min(share, ALMOST_DONE))
      photo.sent = Math.floor(photo.progress * photo.total)
      report(share < 1 ? 'sending' : 'processing')
    })
  }

  /**
   * @param {string} taskId  @param {Photo} photo  @param {Signal | undefined} signal  @param {Report} report
   * @param {() => void} onPlaced  @returns {Promise<Image>}
   */
  async function byTicket(taskId, photo, signal, report, onPlaced) {
    const type = await contentType(photo.filePath)
    const ask = (/** @type {boolean} */ retry) => request('POST /tasks/{task_id}/uploads', {
      path: { task_id: taskId }, signal, retry,
      body: { content_type: type, bytes: photo.total, upload_id: photo.uploadId },
    })

    // A fresh ticket for every try: the old one may have run out, and a photo that got through is answered with itself.
    const ticket = await uploads(() => persist(async () => {
      const fresh = await ask(false)
      if (!fresh.image) accepted(await posted(photo, { url: fresh.url, name: 'file', formData: fresh.fields }, signal, report))
      return fresh
    }, signal, report))
    onPlaced()

    let settled = ticket
    for (let polls = 1; !settled.image || settled.image.state === 'pending'; polls += 1) {
      if (polls > POLLS_OF_A_TICKET) throw new ApiError('still_pending', { retryable: true })
      await pause(Math.min(firstPause * polls, LONGEST_PAUSE_OF_POLLS), signal)
      const found = await request('POST /images/resolve', { body: { names: [ticket.name] }, signal })
      if (found.images[0].state !== 'pending') settled = await ask(true)
    }
    if (settled.image.state === 'rejected') throw new ApiError(settled.image.reason, { cause: settled.image })
    return settled.image
  }

  /** S3's answer to a form. @param {any} answered */
  function accepted(answered) {
    const status = Number(answered.statusCode)
    if (status >= 200 && status < 300) return
    const text = String(answered.data)
    if (/EntityTooLarge/.test(text)) throw new ApiError('image_too_large', { status, cause: text })
    throw new ApiError('upload_refused', { status, cause: text, retryable: true }) // mostly a ticket that ran out
  }

  /** By the first bytes: the name of a temporary file says nothing. @param {string} filePath  @returns {Promise<string>} */
  async function contentType(filePath) {
    const { data } = await inFiles('readFile', { filePath, position: 0, length: 12 })
    const start = String.fromCharCode(...new Uint8Array(data))
    const known = Object.keys(SIGNATURES).find((type) => SIGNATURES[type].test(start))
    return known ? 'image/' + known : 'application/octet-stream' // which the server refuses, with its text
  }

  /** @param {string} api  @param {any} option  @returns {Promise<any>} */
  async function inFiles(api, option) {
    return asked(platform.getFileSystemManager(), api, option)
  }

  /** Where the size is not to be had, the photo goes the way of the small ones. @param {Photo} photo */
  async function measure(photo) {
    try {
      photo.total = (await inFiles('getFileInfo', { filePath: photo.filePath })).size
    } catch (fault) {
      if (failure(fault).error === 'file_missing') throw fault
    }
  }

  /** @param {string | { filePath: string, uploadId?: string }} given  @param {string} [id]  @returns {Photo} */
  function photoOf(given, id) {
    const { filePath, uploadId = id } = typeof given === 'object' ? given : { filePath: given }
    if (!filePath || typeof filePath !== 'string') throw invalid('filePath is missing')
    return { filePath, uploadId: uploadId || randomId(), state: 'waiting', progress: 0, sent: 0, total: 0 }
  }

  /**
   * Sends a photo, and writes into it how far it is and what became of it. Never rejects.
   * @param {Photo} photo  @param {string | null} taskId Null for the avatar.  @param {Signal | undefined} signal
   * @param {() => void} tell  @param {() => void} onPlaced Called when it has its place in the task.
   */
  async function deliver(photo, taskId, signal, tell, onPlaced) {
    /** @type {Report} */
    const report = (state, more) => {
      delete photo.attempt
      delete photo.seconds
      delete photo.error
      Object.assign(photo, { state }, more)
      tell()
    }
    try {
      tell()
      if (!photo.total) await measure(photo)
      photo.image = await onceOnline(() => (taskId !== null && photo.total > directBytes
        ? byTicket(taskId, photo, signal, report, onPlaced)
        : uploads(() => throughApi(taskId === null ? '/me/avatar' : '/tasks/' + encodeURIComponent(taskId) + '/images', photo, signal, report))
      ), signal, report)
      photo.progress = 1
      photo.sent = photo.total
      report('done')
    } catch (fault) {
      report('failed', { error: Object.assign(failure(fault), { uploadId: photo.uploadId }) })
    }
    onPlaced()
  }

  /** @param {string | null} taskId  @param {string} filePath  @param {import('./index.js').UploadOptions} [how] */
  async function uploadOne(taskId, filePath, { onProgress, signal, uploadId } = {}) {
    const photo = photoOf(filePath, uploadId)
    await deliver(photo, taskId, signal, () => inform(onProgress, { ...photo }), () => {})
    if (photo.error) throw photo.error
    return /** @type {Image} */ (photo.image)
  }

  /**
   * @param {string} taskId  @param {(string | { filePath: string, uploadId?: string })[]} files
   * @param {import('./index.js').BatchOptions} [how]  @returns {Promise<Photo[]>}
   */
  async function uploadTaskImages(taskId, files, { onProgress, signal, inOrder, keepBatch } = {}) {
    needed(taskId, 'task_id')
    const photos = files.map((file) => photoOf(file))
    const tell = () => {
      const sum = (/** @type {'sent' | 'total'} */ what) => photos.reduce((all, photo) => all + photo[what], 0)
      const count = (/** @type {string} */ state) => photos.filter((photo) => photo.state === state).length
      const [sent, total] = [sum('sent'), sum('total')]
      inform(onProgress, { sent, total, progress: total && sent / total, done: count('done'), failed: count('failed'), photos })
    }
    if (keepBatch) await keepPhotos(taskId, photos)
    // All sizes first, so that the progress does not fall back; what cannot be read fails at its turn.
    await Promise.all(photos.map((photo) => measure(photo).catch(() => {})))
    const works = []
    for (const photo of photos) {
      const send = (/** @type {() => void} */ onPlaced) => deliver(photo, taskId, signal, tell, onPlaced).then(() => {
        running.delete(photo.uploadId)
        if (keepBatch && !(photo.error && photo.error.retryable)) forgetUpload(photo.uploadId)
      })
      if (inOrder) await new Promise((/** @type {(_?: any) => void} */ next) => works.push(send(next)))
      else works.push(send(() => {}))
    }
    await Promise.all(works)
    return photos
  }

  // ---- batches that outlive the app -----------------------------------------------------------------------------------------

  const keptKey = storageKey + ' photos'
  /** @type {Set<string>} */
  const running = new Set()

  /** @returns {Kept[]} */
  function keptPhotos() {
    const found = unlessItThrows(() => storage.get(keptKey))
    return Array.isArray(found) ? found.filter((kept) => kept && kept.taskId && kept.filePath && kept.uploadId) : []
  }

  /** @param {Kept[]} photos */
  function rewrite(photos) {
    unlessItThrows(() => (photos.length ? storage.set(keptKey, photos) : storage.remove(keptKey)))
  }

  /** Temporary files end with the app, so they are saved; what cannot be saved is missing then. @param {string} taskId  @param {Photo[]} photos */
  async function keepPhotos(taskId, photos) {
    const before = keptPhotos()
    const kept = await Promise.all(photos.map(async (photo) => {
      running.add(photo.uploadId)
      const known = before.find((other) => other.uploadId === photo.uploadId)
      if (known) return known
      const { savedFilePath } = await inFiles('saveFile', { tempFilePath: photo.filePath }).catch(() => ({}))
      photo.filePath = savedFilePath || photo.filePath
      return { taskId, filePath: photo.filePath, uploadId: photo.uploadId, saved: Boolean(savedFilePath) }
    }))
    rewrite(keptPhotos().filter(({ uploadId }) => !running.has(uploadId)).concat(kept))
  }

  /** @param {string} uploadId */
  function forgetUpload(uploadId) {
    const all = keptPhotos()
    all.filter((photo) => photo.uploadId === uploadId && photo.saved).forEach(({ filePath }) => inFiles('unlink', { filePath }).catch(() => {}))
    rewrite(all.filter((photo) => photo.uploadId !== uploadId))
  }

  function keptBatches() {
    /** @type {import('./index.js').KeptBatch[]} */
    const batches = []
    keptPhotos().filter(({ uploadId }) => !running.has(uploadId)).forEach(({ taskId, filePath, uploadId }) => {
      const file = { filePath, uploadId }
      const batch = batches.find((other) => other.taskId === taskId)
      if (batch) batch.files.push(file)
      else batches.push({ taskId, files: [file] })
    })
    return batches
  }

  // ---- showing --------------------------------------------------------------------------------------------------------------

  /** @type {{ [key: string]: { image: import('./index.js').ResolvedImage, since: number, until: number } }} */
  const resolved = {}
  const keyOf = (/** @type {string} */ name, /** @type {Variant | undefined} */ variant) => (variant || '') + ' ' + name

  /** @param {readonly string[]} names  @param {{ variant?: Variant, signal?: Signal, retry?: boolean }} [how] */
  async function resolveImages(names, { variant, signal, retry } = {}) {
    /** @type {{ [name: string]: import('./index.js').ResolvedImage }} */
    const found = {}
    const missing = [...new Set(names)].filter((name) => {
      const known = resolved[keyOf(name, variant)]
      const fresh = known && known.since <= Date.now() && Date.now() < known.until
      if (fresh) found[name] = known.image
      return !fresh
    })
    for (let at = 0; at < missing.length; at += NAMES_AT_ONCE) {
      const body = { names: missing.slice(at, at + NAMES_AT_ONCE), ...(variant && { variant }) }
      const { data, header } = await exchange('POST /images/resolve', { body, signal, retry })
      const since = Date.now()
      data.images.forEach((/** @type {import('./index.js').ResolvedImage} */ image) => {
        const key = keyOf(image.name, variant)
        found[image.name] = image
        // How long it lives is measured by the server's clock, when that is over by the phone's: one may differ from the other.
        const life = image.expires_at ? Date.parse(image.expires_at) - Date.parse(dateOf(header)) - FRESH_FOR_AT_LEAST : Infinity
        if (image.state === 'ready') resolved[key] = { image, since, until: since + life }
        else delete resolved[key]
      })
    }
    return names.map((name) => found[name])
  }

  /** @param {any} header */
  function dateOf(header) {
    return header && header[Object.keys(header).find((name) => /^date$/i.test(name)) || '']
  }

  /** @param {string} name  @param {{ variant?: Variant, signal?: Signal, onProgress?: (progress: { progress: number }) => void }} [how] */
  async function download(name, { variant, signal, onProgress } = {}) {
    return persist(async () => {
      const [image] = await resolveImages([name], { variant, signal, retry: false })
      if (image.state === 'pending') throw new ApiError('still_pending', { retryable: true })
      if (image.state !== 'ready') throw new ApiError('not_found')
      const got = await answer('downloadFile', { url: image.url }, signal, (progress) => inform(onProgress, { progress }))
      const status = Number(got.statusCode)
      if (status === 200) return got.tempFilePath
      delete resolved[keyOf(name, variant)] // most likely its URL has ended
      throw new ApiError('bad_answer', { status, retryable: true, cause: got })
    }, signal)
  }

  /** @param {string} name  @param {{ variant?: Variant }} [how] */
  function imageUrl(name, { variant } = {}) {
    return baseUrl + '/images/' + encodeURIComponent(name) + (variant ? '?variant=' + variant : '')
  }

  /** Whatever goes wrong is an ApiError. @type {<F extends (...given: any[]) => any>(call: F) => F} */
  const guarded = (call) => /** @type {any} */ (async (/** @type {any[]} */ ...given) => {
    try {
      return await call(...given)
    } catch (fault) {
      throw failure(fault)
    }
  })

  /** @type {import('./index.js').Client} */
  const client = {
    get session() { return session },
    login: guarded(login),
    logout: guarded(logout),
    request: guarded(/** @type {any} */ (request)),
    uploadTaskImage: guarded((taskId, filePath, how) => uploadOne(needed(taskId, 'task_id'), filePath, how)),
    uploadTaskImages: guarded(uploadTaskImages),
    uploadAvatar: guarded((filePath, how) => uploadOne(null, filePath, how)),
    keptBatches,
    forgetUpload,
    imageUrl,
    avatarUrl: (userId) => baseUrl + '/users/' + encodeURIComponent(userId) + '/avatar',
    resolveImages: guarded(resolveImages),
    download: guarded(download),
    placeholder,
  }
  return client
}

// ---- placeholders: ThumbHash (https://evanw.github.io/thumbhash/) to a PNG --------------------------------------------

const PLACEHOLDER_SIDE = 16 // pixels; the finest wave of a ThumbHash is longer than four of them
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** @param {{ placeholder?: string | null }} image */
function placeholder(image) {
  return image.placeholder ? 'data:image/png;base64,' + base64(png(pixels(bytesOf(image.placeholder)))) : ''
}

/** @param {number[]} hash */
function pixels(hash) {
  const bits = hash[0] | (hash[1] << 8) | (hash[2] << 16)
  const sizes = hash[3] | (hash[4] << 8)
  const hasAlpha = hash[2] >> 7
  const longer = hasAlpha ? 5 : 7
  const shorter = sizes & 7
  const [wide, high] = sizes >> 15 ? [longer, shorter] : [shorter, longer]
  const of = (/** @type {number} */ shift, /** @type {number} */ mask) => (bits >> shift) & mask

  let nibble = hasAlpha ? 12 : 10
  /** @type {(mean: number, across: number, down: number, scale: number) => { x: number, y: number, value: number }[]} */
  const channel = (mean, across, down, scale) => {
    const waves = [{ x: 0, y: 0, value: mean }]
    for (let y = 0; y < down; y += 1) {
      for (let x = y ? 0 : 1; x * down < across * (down - y); x += 1) {
        const value = (hash[nibble >> 1] >> ((nibble & 1) * 4)) & 15
        waves.push({ x, y, value: (value / 7.5 - 1) * scale * 2 })
        nibble += 1
      }
    }
    return waves
  }
  const luminance = channel(of(0, 63) / 63, Math.max(3, wide), Math.max(3, high), of(18, 31) / 31)
  const yellowBlue = channel(of(6, 63) / 31.5 - 1, 3, 3, ((sizes >> 3) & 63) / 63 * 1.25)
  const redGreen = channel(of(12, 63) / 31.5 - 1, 3, 3, ((sizes >> 9) & 63) / 63 * 1.25)
  const opacity = hasAlpha ? channel((hash[5] & 15) / 15, 5, 5, (hash[5] >> 4) / 15) : [{ x: 0, y: 0, value: 1 }]

  const ratio = wide / high
  const width = Math.max(1, Math.round(PLACEHOLDER_SIDE * Math.min(1, ratio)))
  const height = Math.max(1, Math.round(PLACEHOLDER_SIDE * Math.min(1, 1 / ratio)))
  const [acrosses, downs] = [cosines(width), cosines(height)]
  const rgba = []
  for (let y = 0; y < height; y += 1) {
    // Row by row, so that fifty placeholders on a phone without a compiler for JavaScript take no time that is seen.
    const rows = [luminance, yellowBlue, redGreen, opacity].map((waves) => {
      const row = [0, 0, 0, 0, 0, 0, 0]
      waves.forEach((wave) => { row[wave.x] += wave.value * downs[y][wave.y] })
      return row
    })
    for (let x = 0; x < width; x += 1) {
      const [light, yellow, reddish, opaque] = rows.map(
        (row) => row.reduce((sum, value, wave) => sum + value * acrosses[x][wave], 0))
      const blue = light - 2 / 3 * yellow
      const red = (3 * light - blue + reddish) / 2
      for (const value of [red, red - reddish, blue, opaque]) rgba.push(Math.max(0, Math.min(255, Math.round(value * 255))))
    }
  }
  return { width, height, rgba }
}

/** Of each place, by the number of half waves; at most seven. @param {number} size */
function cosines(size) {
  const places = Array.from({ length: size }, (_, at) => Math.PI / size * (at + 0.5))
  return places.map((place) => [0, 1, 2, 3, 4, 5, 6].map((wave) => Math.cos(place * wave)))
}

/**
 * Uncompressed: it is smaller than the code that would compress it.
 * @param {{ width: number, height: number, rgba: number[] }} picture
 */
function png({ width, height, rgba }) {
  /** @type {number[]} */
  const raw = []
  for (let y = 0; y < height; y += 1) raw.push(0, ...rgba.slice(y * width * 4, (y + 1) * width * 4))
  let low = 1
  let high = 0
  for (const byte of raw) {
    low = (low + byte) % 65521
    high = (high + low) % 65521
  }
  const length = [raw.length & 255, raw.length >> 8]
  const stored = [0x78, 1, 1, ...length, ...length.map((byte) => byte ^ 255), ...raw, high >> 8, high & 255, low >> 8, low & 255]
  return [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10,
    ...chunk('IHDR', [0, 0, 0, width, 0, 0, 0, height, 8, 6, 0, 0, 0]), ...chunk('IDAT', stored), ...chunk('IEND', [])]
}

/** @param {string} type  @param {number[]} data */
function chunk(type, data) {
  const typed = [...type].map((letter) => letter.charCodeAt(0)).concat(data)
  let crc = -1
  for (const byte of typed) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return [...word(data.length), ...typed, ...word(~crc)]
}

/** @param {number} value */
function word(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255)
}

/** @param {number[]} bytes */
function base64(bytes) {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]
    for (const shift of [18, 12, 6, 0]) text += BASE64[(three >> shift) & 63]
  }
  const missing = (3 - bytes.length % 3) % 3
  return text.slice(0, text.length - missing) + '=='.slice(0, missing)
}

/** @param {string} text */
function bytesOf(text) {
  const bytes = []
  let bits = 0
  let count = 0
  for (const letter of text.replace(/=+$/, '')) {
    bits = ((bits << 6) | BASE64.indexOf(letter)) & 0xffff
    count += 6
    if (count >= 8) {
      count -= 8
      bytes.push((bits >> count) & 255)
    }
  }
  return bytes
}

module.exports = { ApiError, createAbort, createClient, placeholder }
module.exports.default = module.exports

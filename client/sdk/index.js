/*
 * The client of mini-functions for WeChat mini-programs, in one file: copy it, or install it and "build npm".
 * Plain ES2018 without dependencies; base library 2.25 or newer. What it does is in README.md, its types are in index.d.ts.
 */
(function () {
  'use strict'

  /** @typedef {import('./index').Session} Session */
  /** @typedef {import('./index').Signal} Signal */
  /** @typedef {import('./index').Image} Image */
  /** @typedef {{ filePath: string, uploadId: string, bytes: number }} Photo */
  /** @typedef {(sent: number) => void} OnSent */
  /** @typedef {{ success: (result: any) => void, fail: (fault: any) => void }} Heard */

  const REQUESTS_AT_ONCE = 8 // of the platform's 10: two are left to the pages
  const UPLOADS_AT_ONCE = 3
  const TASK_UPLOAD_BYTES = 4 * 1024 * 1024 // what API Gateway has room for; larger photos go to S3 by a ticket
  const NAMES_AT_ONCE = 50
  const LONGEST_PAUSE = 10000
  const LONGEST_WAIT_ON_REQUEST = 30 // seconds; whoever is told to wait longer should tell the user
  const FRESH_FOR_AT_LEAST = 60000
  const POLLS_OF_A_TICKET = 40
  const LONGEST_PAUSE_OF_POLLS = 3000

  // POST routes that may be sent again after a lost answer: a repetition adds nothing.
  const SAFE_TO_REPEAT = ['POST /tasks', 'POST /tasks/{task_id}/uploads', 'POST /images/resolve']

  // Unknown, Chromium's own, too many calls at once (the page may have some), unknown and system error of a request.
  const WORTH_ANOTHER_TRY = [600000, 600001, 600007, 602000, 602001]

  // What has no text from the server: refusals of API Gateway, reasons of rejected photos, and what failed on the phone.
  /** @type {{ [error: string]: string }} */
  const TEXTS = {
    bad_answer: '服务异常，请稍后再试',
    busy: '系统繁忙，请稍后再试',
    image_incomplete: '图片不完整，请重新选择',
    image_invalid: '无法识别的图片',
    image_too_large: '图片太大',
    image_unsupported: '不支持的图片格式',
    internal: '系统错误',
    task_full: '任务图片数量已达上限',
    too_many_requests: '请求过于频繁',
    aborted: '已取消',
    domain_not_allowed: '请求的域名未配置',
    file_missing: '图片文件不存在，请重新选择',
    interrupted: '网络中断，请重试',
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
    502: ['busy', 50302, true],
    503: ['busy', 50302, true],
    504: ['busy', 50302, true],
  }

  class ApiError extends Error {
    /** @param {string} error  @param {Partial<import('./index').ApiErrorFields>} [fields] */
    constructor(error, fields) {
      super((fields && fields.errmsg) || TEXTS[error] || TEXTS.bad_answer)
      this.name = 'ApiError'
      this.error = error
      this.errmsg = this.message
      this.errcode = 0
      this.status = 0
      this.retryable = false
      /** @type {string | undefined} */
      this.requestId = undefined
      /** @type {number | undefined} */
      this.retryAfter = undefined
      /** @type {string | undefined} */
      this.uploadId = undefined
      /** @type {unknown} */
      this.cause = undefined
      Object.assign(this, fields)
      this.errmsg = this.message
    }
  }

  /** What `fail` of a `wx` call was told. @param {any} fault */
  function failure(fault) {
    if (fault instanceof ApiError) return fault
    const text = String((fault && fault.errMsg) || fault)
    const errno = fault && fault.errno
    const because = (/** @type {string} */ error, /** @type {boolean} */ retryable) =>
      new ApiError(error, { retryable, cause: fault })

    if (/fail abort/i.test(text)) return because('aborted', false)
    if (/file doesn't exist|file not found|no such file/i.test(text)) return because('file_missing', false)
    if (errno === 600002 || /domain list/i.test(text)) return because('domain_not_allowed', false)
    if (errno === 600003 || /interrupted/i.test(text)) return because('interrupted', true)
    if (errno === 5 || /time.?d?.?out/i.test(text)) return because('timeout', true)
    // Old base libraries have no errno, and their texts are those of the phone's system.
    return because('network_error', errno === undefined || WORTH_ANOTHER_TRY.indexOf(errno) >= 0)
  }

  /** What an HTTP answer is worth: its data, or an error. @param {{ statusCode: number, data: any }} answer */
  function judge(answer) {
    const status = answer.statusCode
    const data = parsed(answer.data)
    if (status >= 200 && status < 300) {
      if (typeof answer.data === 'string' && answer.data !== '' && data === undefined) {
        throw new ApiError('bad_answer', { status, retryable: true, cause: answer.data }) // a Wi-Fi's sign-in page
      }
      return data
    }
    if (data && data.error) {
      throw new ApiError(data.error, {
        errcode: data.errcode, errmsg: data.errmsg, requestId: data.request_id, retryAfter: data.retry_after, status,
        retryable: status === 429 || status === 503,
      })
    }
    const [error, errcode, retryable] = GATEWAY_ANSWERS[status] || ['bad_answer', 0, status > 500]
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

  /** Base libraries have no AbortController. @returns {import('./index').Abort} */
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

  /** @param {import('./index').ClientOptions} options  @returns {import('./index').Client} */
  function createClient(options) {
    /** @type {WechatMiniprogram.Wx} */
    const platform = options.wx || wx
    const baseUrl = options.baseUrl.replace(/\/+$/, '')
    const attempts = options.attempts || 6
    const firstPause = options.firstPause || 500
    const directBytes = options.directBytes || TASK_UPLOAD_BYTES
    const requestTimeout = options.requestTimeout || 15000
    const uploadTimeout = options.uploadTimeout || 120000
    const requests = gate(REQUESTS_AT_ONCE)
    const uploads = gate(Math.min(options.parallel || UPLOADS_AT_ONCE, REQUESTS_AT_ONCE - 1))
    const storage = options.storage || {
      get: (/** @type {string} */ key) => platform.getStorageSync(key),
      set: (/** @type {string} */ key, /** @type {Session} */ value) => platform.setStorageSync(key, value),
      remove: (/** @type {string} */ key) => platform.removeStorageSync(key),
    }

    // ---- when the app is in the background -------------------------------------------------------------------------

    let hidden = false
    /** @type {(() => void)[]} */
    let whenShown = []
    if (platform.onAppHide) platform.onAppHide(() => { hidden = true })
    if (platform.onAppShow) {
      platform.onAppShow(() => {
        hidden = false
        whenShown.splice(0).forEach((go) => go())
      })
    }

    /** @param {number} milliseconds  @param {Signal} [signal]  @returns {Promise<void>} */
    function pause(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        const go = () => { forget(); resolve() }
        const timer = setTimeout(() => { if (hidden) whenShown.push(go); else go() }, milliseconds)
        const forget = onAbort(signal, () => {
          clearTimeout(timer)
          reject(new ApiError('aborted'))
        })
      })
    }

    /**
     * Tries again what is worth it. What fails while the app is hidden does not count: WeChat cuts all connections then.
     * @param {() => Promise<any>} attempt  @param {Signal} [signal]
     */
    async function persist(attempt, signal) {
      for (let tried = 1; ; tried += 1) {
        try {
          return await attempt()
        } catch (fault) {
          const error = failure(fault)
          if (hidden) tried = 0
          const seconds = error.retryAfter || 0
          if (!error.retryable || tried >= attempts || seconds > LONGEST_WAIT_ON_REQUEST) throw error
          const backoff = Math.min(firstPause * Math.pow(2, tried - 1), LONGEST_PAUSE) * (0.5 + Math.random())
          await pause(Math.max(backoff, seconds * 1000), signal)
        }
      }
    }

    /**
     * One HTTP request, and what it was answered, whatever the status.
     * @param {(heard: Heard) => WechatMiniprogram.RequestTask | WechatMiniprogram.UploadTask} start
     * @param {Signal} [signal]  @param {OnSent} [onSent]
     */
    async function answer(start, signal, onSent) {
      return requests(() => new Promise((resolve, reject) => {
        if (signal && signal.aborted) return reject(new ApiError('aborted'))
        let forget = () => {}
        const done = (/** @type {() => void} */ settle) => { forget(); settle() }
        const task = start({
          success: (result) => done(() => resolve(result)),
          fail: (fault) => done(() => reject(failure(fault))),
        })
        if (onSent && 'onProgressUpdate' in task) task.onProgressUpdate((now) => onSent(now.totalBytesSent))
        forget = onAbort(signal, () => {
          task.abort()
          reject(new ApiError('aborted'))
        })
      }))
    }

    /** Anything else of `wx`. @param {(heard: Heard) => void} start  @returns {Promise<any>} */
    function asked(start) {
      return new Promise((success, reject) => start({ success, fail: (fault) => reject(failure(fault)) }))
    }

    // ---- who is calling ---------------------------------------------------------------------------------------------

    const storageKey = 'mini-functions ' + baseUrl
    /** @type {Session | null} */
    let session = storage.get(storageKey) || null
    /** @type {Promise<Session> | null} */
    let signingIn = null

    /** @param {Session | null} next */
    function keep(next) {
      session = next
      if (next) storage.set(storageKey, next)
      else storage.remove(storageKey)
    }

    /** @param {{ force?: boolean }} [how]  @returns {Promise<Session>} */
    function login(how) {
      if (session && !(how && how.force)) return Promise.resolve(session)
      if (!signingIn) {
        signingIn = persist(signIn).finally(() => { signingIn = null })
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
      const { code } = await asked((heard) => platform.login({ timeout: requestTimeout, ...heard }))
      const made = judge(await answer((heard) => platform.request({
        url: baseUrl + '/session', method: 'POST', data: { code }, timeout: requestTimeout, ...heard,
      })))
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
    async function logout(how) {
      const used = session
      if (!used) return
      const end = (/** @type {string} */ query) => (/** @type {any} */ header) => persist(async () => judge(
        await answer((heard) => platform.request({
          url: baseUrl + '/session' + query, method: 'DELETE', header, timeout: requestTimeout, ...heard,
        }))))
      if (how && how.everywhere) {
        await signed(end('?scope=all'))
        return keep(null)
      }
      try {
        await end('')(headers(used))
      } catch (error) {
        if (failure(error).error !== 'session_invalid') throw error // it has ended already
      }
      if (session === used) keep(null)
    }

    // ---- calls ------------------------------------------------------------------------------------------------------

    /** @param {string} route  @param {any} [call]  @returns {Promise<any>} */
    function request(route, call) {
      const { path = {}, query = {}, body, signal, idempotencyKey, retry = true } = call || {}
      const [method, pattern] = route.split(' ')
      const filled = pattern.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(path[name]))
      const search = Object.keys(query).filter((name) => query[name] !== undefined && query[name] !== null)
        .map((name) => encodeURIComponent(name) + '=' + encodeURIComponent(query[name])).join('&')
      const url = baseUrl + filled + (search && '?' + search)
      const extra = route === 'POST /tasks' ? { 'idempotency-key': idempotencyKey || randomId() } : {}
      const repeatable = retry && (method !== 'POST' || SAFE_TO_REPEAT.indexOf(route) >= 0)

      return signed((header) => {
        const once = async () => judge(await answer((heard) => platform.request({
          url, method: /** @type {any} */ (method), data: body, header: { ...header, ...extra }, timeout: requestTimeout, ...heard,
        }), signal))
        return repeatable ? persist(once, signal) : once()
      })
    }

    /**
     * @param {string} path  @param {Photo} photo  @param {Signal} [signal]  @param {OnSent} [onSent]
     * @returns {Promise<Image>}
     */
    function throughApi(path, photo, signal, onSent) {
      return uploads(() => signed((header) => persist(async () => judge(await answer((heard) => platform.uploadFile({
        url: baseUrl + path, filePath: photo.filePath, name: 'image', header,
        formData: { upload_id: photo.uploadId }, timeout: uploadTimeout, ...heard,
      }), signal, onSent)), signal)))
    }

    /**
     * @param {string} taskId  @param {Photo} photo  @param {Signal} [signal]  @param {OnSent} [onSent]
     * @param {() => void} [onPlaced]  @returns {Promise<Image>}
     */
    async function byTicket(taskId, photo, signal, onSent, onPlaced) {
      const type = await contentType(photo.filePath)
      const ask = (/** @type {boolean} */ retry) => request('POST /tasks/{task_id}/uploads', {
        path: { task_id: taskId }, signal, retry,
        body: { content_type: type, bytes: photo.bytes, upload_id: photo.uploadId },
      })

      // A fresh ticket for every try: the old one may have run out, and a photo that got through is answered with itself.
      const ticket = await uploads(() => persist(async () => {
        const fresh = await ask(false)
        if (!fresh.image) {
          accepted(await answer((heard) => platform.uploadFile({
            url: fresh.url, filePath: photo.filePath, name: 'file', formData: fresh.fields, timeout: uploadTimeout, ...heard,
          }), signal, onSent))
        }
        return fresh
      }, signal))
      if (onPlaced) onPlaced()

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

    /** S3's answer to a form. @param {any} posted */
    function accepted(posted) {
      const status = posted.statusCode
      if (status >= 200 && status < 300) return
      const text = String(posted.data)
      if (/EntityTooLarge/.test(text)) throw new ApiError('image_too_large', { status, cause: text })
      throw new ApiError('upload_refused', { status, cause: text, retryable: true }) // mostly a ticket that ran out
    }

    /** By the first bytes: the name of a temporary file says nothing. @param {string} filePath  @returns {Promise<string>} */
    async function contentType(filePath) {
      const files = platform.getFileSystemManager()
      const { data } = await asked((heard) => files.readFile({ filePath, position: 0, length: 12, ...heard }))
      const at = String.fromCharCode(...new Uint8Array(data))
      if (at.slice(0, 3) === '\xff\xd8\xff') return 'image/jpeg'
      if (at.slice(0, 4) === '\x89PNG') return 'image/png'
      if (at.slice(0, 4) === 'RIFF' && at.slice(8) === 'WEBP') return 'image/webp'
      if (at.slice(0, 4) === 'GIF8') return 'image/gif'
      return at.slice(4, 8) === 'ftyp' ? 'image/heic' : 'application/octet-stream' // which the server refuses, with its text
    }

    /** @param {string | { filePath: string, uploadId?: string }} given  @param {string} [uploadId]  @returns {Promise<Photo>} */
    async function look(given, uploadId) {
      const { filePath, uploadId: own } = typeof given === 'string' ? { filePath: given, uploadId } : given
      const { size } = await asked((heard) => platform.getFileSystemManager().getFileInfo({ filePath, ...heard }))
      return { filePath, uploadId: own || randomId(), bytes: size }
    }

    /**
     * @param {string} taskId  @param {Photo} photo  @param {Signal} [signal]  @param {OnSent} [onSent]
     * @param {() => void} [onPlaced] Called when it has its place in the task, if that is before it is ready.
     * @returns {Promise<Image>}
     */
    function send(taskId, photo, signal, onSent, onPlaced) {
      let most = 0 // a second try starts at nothing; what the user sees does not
      const rising = onSent && ((/** @type {number} */ sent) => onSent((most = Math.max(most, Math.min(sent, photo.bytes)))))
      return photo.bytes > directBytes
        ? byTicket(taskId, photo, signal, rising, onPlaced)
        : throughApi('/tasks/' + encodeURIComponent(taskId) + '/images', photo, signal, rising)
    }

    /** @param {Promise<any>} upload  @param {string} uploadId */
    function named(upload, uploadId) {
      return upload.catch((error) => { throw Object.assign(failure(error), { uploadId }) })
    }

    /** @param {number} sent  @param {number} total */
    const share = (sent, total) => ({ sent, total, progress: total ? sent / total : 0 })

    /** @param {string} taskId  @param {string} filePath  @param {import('./index').UploadOptions} [how] */
    async function uploadTaskImage(taskId, filePath, how) {
      const { onProgress, signal, uploadId } = how || {}
      const photo = await look(filePath, uploadId)
      const onSent = onProgress && ((/** @type {number} */ sent) => onProgress(share(sent, photo.bytes)))
      return named(send(taskId, photo, signal, onSent), photo.uploadId)
    }

    /** @param {string} filePath  @param {import('./index').UploadOptions} [how] */
    async function uploadAvatar(filePath, how) {
      const { onProgress, signal, uploadId } = how || {}
      const photo = await look(filePath, uploadId)
      const onSent = onProgress && ((/** @type {number} */ sent) => onProgress(share(Math.min(sent, photo.bytes), photo.bytes)))
      return named(throughApi('/me/avatar', photo, signal, onSent), photo.uploadId)
    }

    /**
     * @param {string} taskId  @param {(string | { filePath: string, uploadId?: string })[]} files
     * @param {import('./index').BatchOptions} [how]  @returns {Promise<import('./index').BatchPhoto[]>}
     */
    async function uploadTaskImages(taskId, files, how) {
      const { onProgress, signal, inOrder } = how || {}
      /** @type {import('./index').BatchPhoto[]} */
      const photos = files.map((given) => {
        const { filePath, uploadId = randomId() } = typeof given === 'string' ? { filePath: given } : given
        return { filePath, uploadId, state: 'waiting', sent: 0, total: 0 }
      })

      const tell = () => {
        if (!onProgress) return
        const sum = (/** @type {'sent' | 'total'} */ what) => photos.reduce((all, photo) => all + photo[what], 0)
        const count = (/** @type {string} */ state) => photos.filter((photo) => photo.state === state).length
        onProgress({ ...share(sum('sent'), sum('total')), done: count('done'), failed: count('failed'), photos })
      }
      const measure = async (/** @type {import('./index').BatchPhoto} */ photo) => {
        photo.total = (await look(photo.filePath)).bytes
      }
      /** @type {(photo: import('./index').BatchPhoto, onPlaced?: () => void) => Promise<void>} */
      const upload = async (photo, onPlaced) => {
        try {
          if (!photo.total) await measure(photo)
          photo.image = await send(taskId, { filePath: photo.filePath, uploadId: photo.uploadId, bytes: photo.total }, signal,
            (sent) => { photo.state = 'uploading'; photo.sent = sent; tell() }, onPlaced)
          photo.state = 'done'
          photo.sent = photo.total
        } catch (error) {
          photo.state = 'failed'
          photo.error = Object.assign(failure(error), { uploadId: photo.uploadId })
        }
        tell()
      }
      // All sizes first, so that the progress does not fall back; what cannot be read fails at its turn.
      await Promise.all(photos.map((photo) => measure(photo).catch(() => {})))
      tell()
      const works = []
      for (const photo of photos) {
        if (inOrder) await new Promise((/** @type {(_?: any) => void} */ next) => works.push(upload(photo, next).then(next)))
        else works.push(upload(photo))
      }
      await Promise.all(works)
      return photos
    }

    // ---- showing ----------------------------------------------------------------------------------------------------

    /** @type {{ [key: string]: import('./index').ResolvedImage }} */
    const resolved = {}

    /** @param {string[]} names  @param {{ variant?: import('./index').Variant, signal?: Signal }} [how] */
    async function resolveImages(names, how) {
      const { variant, signal } = how || {}
      const key = (/** @type {string} */ name) => (variant || '') + ' ' + name
      const fresh = (/** @type {string} */ name) => {
        const known = resolved[key(name)]
        return known && (!known.expires_at || Date.parse(known.expires_at) - FRESH_FOR_AT_LEAST > Date.now())
      }
      /** @type {{ [name: string]: import('./index').ResolvedImage }} */
      const found = {}
      names.filter(fresh).forEach((name) => { found[name] = resolved[key(name)] })
      const missing = names.filter((name, at) => !found[name] && names.indexOf(name) === at)
      for (let at = 0; at < missing.length; at += NAMES_AT_ONCE) {
        const body = { names: missing.slice(at, at + NAMES_AT_ONCE), ...(variant && { variant }) }
        const answered = await request('POST /images/resolve', { body, signal })
        answered.images.forEach((/** @type {import('./index').ResolvedImage} */ image) => {
          found[image.name] = image
          if (image.state === 'ready') resolved[key(image.name)] = image
          else delete resolved[key(image.name)]
        })
      }
      return names.map((name) => found[name])
    }

    /** @param {string} name  @param {{ variant?: import('./index').Variant }} [how] */
    function imageUrl(name, how) {
      return baseUrl + '/images/' + encodeURIComponent(name) + (how && how.variant ? '?variant=' + how.variant : '')
    }

    /** @type {import('./index').Client} */
    const client = {
      login,
      logout,
      get session() { return session },
      request: /** @type {any} */ (request),
      uploadTaskImage,
      uploadTaskImages,
      uploadAvatar,
      imageUrl,
      avatarUrl: (userId) => baseUrl + '/users/' + encodeURIComponent(userId) + '/avatar',
      resolveImages,
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

  /** @type {typeof import('./index')} */
  const miniFunctions = { createClient, createAbort, placeholder, ApiError }
  if (typeof module === 'object') module.exports = miniFunctions
  else self.miniFunctions = miniFunctions // a page in a browser
})()

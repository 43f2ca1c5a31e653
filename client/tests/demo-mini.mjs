// Opens the pages of the demo mini-program in Node: WeChat's own compiler and component framework draw them, the emulator
// is their `wx`, and the back end is a running local stack.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import { given, phone } from './support.mjs'

export const ROOT = fileURLToPath(new URL('../demo-mini', import.meta.url))
export const tool = createRequire(`${given('TOOLS')}/`)
const page = createRequire(`${ROOT}/`)

const { JSDOM } = tool('jsdom')
const { window } = new JSDOM('<!doctype html><body></body>')
const { document, Element, Event, CustomEvent } = window
Object.assign(globalThis, { window, document, Element, Event, CustomEvent, wx: {} })
const simulate = tool('miniprogram-simulate')
// The framework of component tests knows components; a page is one with its life in methods.
globalThis.Page = ({ data, ...methods }) => globalThis.Component({ data, methods })

/** The mini-program, started on somebody's phone. What it asks the user for is answered by `answers`. */
export function start(answers = {}) {
  const { client, wx, device } = phone()
  const shown = { navigated: [], toasts: [], previews: [], clipboard: undefined, title: undefined }
  const app = { client, uploads: page('./lib/uploads').createUploads(client) }
  globalThis.getApp = () => app
  globalThis.wx = {
    ...wx,
    chooseMedia: ({ success, fail }) => {
      if (!answers.photos) return fail({ errMsg: 'chooseMedia:fail cancel' })
      success({ tempFiles: answers.photos.map((bytes) => ({ tempFilePath: device.addFile(bytes) })) })
    },
    showActionSheet: ({ itemList, success }) => success({ tapIndex: itemList.indexOf(answers.choice) }),
    showModal: ({ success }) => success({ confirm: true }),
    showToast: ({ title }) => shown.toasts.push(title),
    showLoading: () => {},
    hideLoading: () => {},
    navigateTo: ({ url }) => shown.navigated.push(url),
    previewImage: (option) => shown.previews.push(option),
    setClipboardData: ({ data }) => { shown.clipboard = data },
    setNavigationBarTitle: ({ title }) => { shown.title = title },
    stopPullDownRefresh: () => {},
    onNeedPrivacyAuthorization: (listener) => { shown.askForPrivacy = listener },
  }
  return { app, client, device, shown, open }
}

/** The app as `app.js` makes it, with these settings. */
export function launch(config) {
  Object.assign(page('./config'), config)
  const { wx, device } = phone()
  globalThis.wx = Object.freeze(wx)
  let app
  globalThis.App = (definition) => { app = definition }
  delete page.cache[page.resolve('./app')]
  page('./app')
  app.onLaunch()
  return { app, device }
}

/** Opens a page as the platform does. */
function open(path, query = {}) {
  const id = simulate.load(`${ROOT}/${path}`, {
    rootPath: ROOT, usingComponents: { privacy: '/components/privacy/privacy' },
  })
  const drawn = simulate.render(id)
  const { instance } = drawn
  drawn.attach(document.body)
  instance.onLoad?.(query)
  instance.onShow?.()
  const all = (selector) => drawn.querySelectorAll(selector)
  return {
    instance,
    all,
    text: (selector) => (selector ? drawn.querySelector(selector) : drawn)?.dom.textContent ?? '',
    /** What the framework does when something is tapped, typed or loaded. */
    send: (selector, event, detail, at = 0) => all(selector)[at].dispatchEvent(event, detail && { detail }),
    close() {
      instance.onUnload?.()
      drawn.detach()
    },
  }
}

/** Waits for what happens soon; a failing test says what it waited for. */
export async function until(what, holds) {
  const deadline = Date.now() + 20000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited for: ${what}`)
    await new Promise((resume) => setTimeout(resume, 10))
  }
}

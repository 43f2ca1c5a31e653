// What can go wrong. S3 fails in the local stack; networks and WeChat's answers are those of the emulated phones.

import { element, byId } from './dom.js'
import { say } from './texts.js'

const SLOW_ANSWER = 1200 // milliseconds before a call leaves
const SLOW_UPLOAD = 150 // milliseconds for each of the steps in which a photo leaves
const STEPS = 20
const SMALL = 4096 // bytes: no more than one step
const BREAKS = 5 // one call in so many
const CUTS = ['before', 'during', 'after']

const on = { slow: false, shaky: false, offline: false, s3_down: false, busy: false }
const devices = []
let calls = 0

/** Gives a phone the network that is set here. */
export function afflict(device) {
  devices.push(device)
  const honest = device.loginCode
  // The fake WeChat answers this code as WeChat does when it is overloaded.
  device.loginCode = () => (on.busy ? 'busy' : honest())
  device.network = () => {
    calls += 1
    const breaks = on.shaky && calls % BREAKS === 0
    return { delay: slowness(), cut: breaks ? CUTS[calls / BREAKS % CUTS.length] : undefined }
  }
}

/** Milliseconds until something begins to come. */
export const slowness = () => (on.slow ? SLOW_ANSWER : 0)

/** A thin line: a photo leaves in steps. This machine's own network is too quick to see any. */
export function slowed(transport) {
  return (request) => {
    if (!on.slow || !(request.body?.length > SMALL)) return transport(request)
    let aborted = false
    let sending
    const done = (async () => {
      for (let step = 1; step < STEPS && !aborted; step += 1) {
        await new Promise((resume) => setTimeout(resume, SLOW_UPLOAD))
        request.onSent(Math.floor(request.body.length * step / STEPS))
      }
      if (aborted) throw new Error('aborted')
      sending = transport(request)
      return sending.done
    })()
    return { done, abort() { aborted = true; sending?.abort() } }
  }
}

/** Draws the switches. A page that is opened finds everything whole. */
export function drawFaults() {
  byId('faults').replaceChildren(...Object.keys(on).map((name) => element('label', { class: 'switch' },
    element('input', { type: 'checkbox', id: `fault-${name}`, role: 'switch', checked: on[name], onchange: ({ target }) => set(name, target.checked) }),
    element('span', {}, say(name)))))
}

export function set(name, value) {
  on[name] = value
  if (name === 'offline') devices.forEach((device) => { device.online = !value })
  if (name === 's3_down') return tellStack()
  return undefined
}

export function tellStack() {
  const body = JSON.stringify({ s3_down: on.s3_down })
  return fetch('faults', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

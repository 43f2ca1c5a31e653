// The inspector: every call that a phone makes, the last one first.

import { element, byId } from './dom.js'
import { say } from './texts.js'

const KEPT = 200
const rows = new Map()
let count = 0
let failed = 0

/** Called when a call leaves and when it ends. */
export function record(user, call) {
  const key = `${user} ${call.id}`
  if (!rows.has(key)) {
    rows.set(key, byId('calls').insertRow(0))
    count += 1
    if (rows.size > KEPT) forgetOldest()
  }
  const row = rows.get(key)
  const bad = call.fault || call.status >= 400
  row.className = call.ended ? (bad ? 'bad' : 'good') : 'running'
  row.replaceChildren(
    element('td', { class: 'muted' }, user),
    element('td', { class: 'call', title: call.url }, element('b', {}, call.method), ' ', shortPath(call.url)),
    element('td', {}, call.ended ? String(call.fault ?? call.status) : '…'),
    element('td', { class: 'number muted' }, call.ended ? `${call.milliseconds} ms` : ''))
  if (call.ended && bad) failed += 1
  drawSum()
}

export function drawSum() {
  byId('calls-sum').textContent = count ? say('sum', { count, failed }) : ''
}

function forgetOldest() {
  const [key, row] = rows.entries().next().value
  row.remove()
  rows.delete(key)
}

/** Ids say nothing to people. */
function shortPath(url) {
  const { origin, pathname, search } = new URL(url)
  const path = pathname.split('/').map((part) => (part.length > 20 ? '…' : part)).join('/')
  return (origin === location.origin ? path : `S3 ${path}`) + (search.length < 20 ? search : '')
}

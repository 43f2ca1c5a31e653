// Chromium with the demo page in it, at the width of a phone.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'

import { given } from '../tests/support.mjs'

const tool = createRequire(`${given('TOOLS')}/`)
const { chromium } = tool('playwright-core')
const AXE = readFileSync(tool.resolve('axe-core/axe.min.js'), 'utf8')

const ROOT = new URL('../../', import.meta.url)
const PICTURES = fileURLToPath(new URL('target/e2e/', ROOT))
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']
const PHONE = { width: 390, height: 844 }

let browser

before(async () => {
  mkdirSync(PICTURES, { recursive: true })
  browser = await chromium.launch({ executablePath: given('CHROMIUM'), args: ARGUMENTS })
})
after(() => browser.close())

export const photo = (path) => fileURLToPath(new URL(path, ROOT))

/** Opens the page in a browser of its own: nothing is stored, nobody is signed in. */
export async function openDemo({ language = 'zh-CN', scheme = 'light', viewport = PHONE } = {}) {
  const context = await browser.newContext({
    locale: language, colorScheme: scheme, viewport, deviceScaleFactor: 2, permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  const faults = []
  page.on('pageerror', (error) => faults.push(error.message))
  await page.goto(`${given('GATEWAY')}/_demo/`)
  await page.locator('main[aria-busy=false]').waitFor()
  return {
    page,
    count: (selector) => page.locator(selector).count(),
    text: (selector) => page.locator(selector).first().innerText(),
    picture: (name) => page.screenshot({ path: `${PICTURES}${name}.png`, fullPage: true, animations: 'disabled' }),
    /** What the inspector shows, the first call first, as `alice POST /session 201`. */
    calls: () => page.locator('#calls tr').evaluateAll((rows) => rows.map((row) => [...row.cells].slice(0, 3).map((cell) => cell.innerText).join(' ')).reverse()),
    async newTask(title) {
      await page.fill('#title', title)
      await page.press('#title', 'Enter')
      await page.locator('.chip[aria-pressed=true]', { hasText: title }).waitFor()
      await page.locator('main[aria-busy=false]').waitFor()
    },
    choose: (...paths) => page.setInputFiles('#photos', paths.map(photo)),
    /** Waits until so many pictures have been loaded, and no photo is on its way. */
    loaded: (count) => page.waitForFunction((expected) => document.querySelectorAll('#grid button.tile img.loaded').length === expected && !document.querySelector('.upload:not(.failed)'), count),
    /** What axe finds that keeps people out. */
    async barriers() {
      await page.evaluate(AXE)
      const { violations } = await page.evaluate(() => globalThis.axe.run())
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
    },
    async close() {
      await context.close()
      assert.deepEqual(faults, [], 'errors in the page')
    },
  }
}

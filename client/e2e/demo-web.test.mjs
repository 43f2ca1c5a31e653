import assert from 'node:assert/strict'
import { test } from 'node:test'

import { picture as noise } from '../tests/support.mjs'
import { openDemo, photo } from './browser.mjs'

const [COFFEE, CAT, HEIC] = ['events/photos/coffee.jpg', 'events/photos/seed-avatar.jpg', 'events/photos/coffee.heic']
const [ROCKET, PHONE, MOUNTAIN] = ['shared/imaging/corpus/rocket.jpg', 'benches/photos/espresso.jpg', 'shared/imaging/corpus/orientation_6.jpg']

/** A test that closes its page, and fails for errors in it. */
function onThePage(title, story, how) {
  test(title, async () => {
    const demo = await openDemo(how)
    try {
      await story(demo)
    } finally {
      await demo.close()
    }
  })
}

onThePage('whoever opens the page is signed in, and can make a task', async ({ calls, newTask, text }) => {
  assert.deepEqual(await calls(), ['alice POST /session 201', 'alice GET /tasks 200'])

  await newTask('4 号货架')

  assert.match(await text('#session'), /会话有效期至 \d{4}/)
  assert.deepEqual((await calls()).slice(2), ['alice POST /tasks 201', 'alice GET /tasks/… 200'])
})

onThePage('photos show how far they are, then themselves', async ({ choose, loaded, newTask, page, picture, text }) => {
  await newTask('On the way')
  await page.click('#samples')
  await loaded(3)
  await page.check('#fault-slow')

  await choose(PHONE, ROCKET)
  await page.waitForFunction(() => [...document.querySelectorAll('progress')].every(({ value }) => value > 0.3))
  assert.match(await text('.percent'), /^\d+ %$/)
  await picture('during-upload')
  await page.uncheck('#fault-slow')

  await loaded(5)
  await picture('light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await picture('dark')
})

onThePage('a photo that is called off on its way is not in the task', async ({ choose, count, loaded, newTask, page }) => {
  await newTask('Called off')
  await page.check('#fault-slow')
  await choose(ROCKET)
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0)

  await page.click('.upload button')
  await page.locator('.upload').waitFor({ state: 'detached' })
  await page.uncheck('#fault-slow')
  await page.click('.chip[aria-pressed=true]')
  await loaded(0)

  assert.equal(await count('#grid button.tile img'), 0)
})

onThePage('a photo that is refused says why, beside those that were taken', async ({ choose, count, loaded, newTask, page, picture, text }) => {
  await newTask('One of them fails')
  await choose(COFFEE, HEIC, CAT)
  await loaded(2)

  assert.match(await text('.failed'), /不支持HEIC图片/)
  await picture('with-a-failed-photo')
  await page.emulateMedia({ colorScheme: 'dark' })
  await picture('with-a-failed-photo-dark')
  await page.click('.failed button >> nth=1')

  assert.equal(await count('.upload'), 0)
})

onThePage('a photo that finds no network says so, goes on when it is back, and is there once', async ({ choose, count, loaded, newTask, page }) => {
  await newTask('Once more')
  await page.check('#fault-offline')
  await choose(COFFEE)
  await page.locator('.upload .percent', { hasText: '网络' }).waitFor()

  await page.uncheck('#fault-offline')
  await loaded(1)
  await page.click('.chip[aria-pressed=true]')

  await loaded(1)
  assert.equal(await count('#grid button.tile'), 1)
})

onThePage('photos that are dropped onto the page are taken', async ({ loaded, newTask, page }) => {
  await newTask('Dropped')
  const data = await page.evaluateHandle(async () => {
    const blob = await (await fetch('photos/rocket.jpg')).blob()
    const transfer = new DataTransfer()
    transfer.items.add(new File([blob], 'rocket.jpg', { type: blob.type }))
    return transfer
  })

  await page.dispatchEvent('#photos-section', 'drop', { dataTransfer: data })

  await loaded(1)
})

onThePage('a picture is shown as large as it goes, and the keys go on to the next', async ({ choose, loaded, newTask, page, picture, text }) => {
  await newTask('To look at')
  await choose(ROCKET)
  await loaded(1)
  await choose(COFFEE)
  await loaded(2)

  await page.click('#grid button.tile >> nth=0')
  await page.locator('.large .over.loaded').waitFor()
  assert.match(await text('#viewer-title'), /^640 × 427, \d+ KB$/)
  await picture('large')

  await page.keyboard.press('ArrowRight')
  await page.waitForFunction(() => document.querySelector('#viewer-title').textContent.startsWith('240 × 320'))
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('#viewer').isVisible(), false)
})

onThePage('a picture comes as a placeholder, then small, then full', async ({ choose, loaded, newTask, page }) => {
  const sources = () => page.locator('.large img').evaluateAll((pictures) => pictures.map(({ src }) => new URL(src, 'http://none').pathname))
  await newTask('From coarse to fine')
  await choose(ROCKET)
  await loaded(1)
  await page.waitForFunction(() => document.querySelector('#grid button.tile').style.backgroundImage.startsWith('url("data:image/png;base64,'))
  await loaded(1)
  await page.check('#fault-slow')

  await page.click('#grid button.tile')
  assert.match(await page.locator('.large').evaluate((box) => box.style.backgroundImage), /^url\("data:image\/png/)
  assert.match((await sources())[0], /\/thumb\./)
  await page.locator('.large .over.loaded').waitFor()

  assert.match((await sources())[1], /\/original\./)
})

onThePage('a photo that is too large for the API goes straight to S3', async ({ calls, loaded, newTask, page, text }) => {
  await newTask('Large')
  await page.setInputFiles('#photos', { name: 'large.png', mimeType: 'image/png', buffer: noise(1200, 5e6) })
  await loaded(1)

  const made = await calls()
  assert.ok(made.includes('alice POST /tasks/…/uploads 201'), made.join('\n'))
  assert.ok(made.some((call) => call.startsWith('alice POST S3 /images-bucket')), made.join('\n'))
  await page.click('#grid button.tile')
  assert.match(await text('#viewer-title'), /^1200 × 1389, \d+ KB$/)
})

onThePage('the address of a picture is copied, and opens for anyone', async ({ choose, loaded, newTask, page }) => {
  await newTask('To copy')
  await choose(COFFEE)
  await loaded(1)

  await page.click('#grid button.tile')
  await page.click('#viewer-actions button:has-text("复制地址")')
  await page.locator('.toast.shown').waitFor()

  const answer = await fetch(await page.evaluate(() => navigator.clipboard.readText()))
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'image/jpeg'])
})

onThePage('a picture that alice shares is seen by bob, until she deletes it', async ({ choose, loaded, newTask, page }) => {
  const shared = () => page.waitForFunction(() => document.querySelector('#shared img.loaded')?.naturalWidth)
  await newTask('To share')
  await choose(COFFEE)
  await loaded(1)
  await page.click('#grid button.tile')
  await page.click('#viewer-actions button:has-text("分享给 bob")')
  await page.keyboard.press('Escape')

  await page.click('label:has-text("bob")')
  await shared()
  assert.equal(await page.locator('#shared img').evaluate((image) => image.naturalWidth), 240)

  await page.click('label:has-text("alice")')
  await loaded(1)
  await page.click('#grid button.tile')
  await page.click('#viewer-actions button:has-text("删除")')
  await page.locator('#samples').waitFor()
  await page.click('label:has-text("carol")')
  assert.equal(await page.locator('#shared-section').isVisible(), false)
  const name = await page.evaluate(() => JSON.parse(localStorage.getItem('shared with bob'))[0])
  const after = await page.request.get(new URL(`/images/${name}`, page.url()).href, { maxRedirects: 0 })
  assert.match(after.headers().location, /\/defaults\//)
})

onThePage('an avatar is changed, and others see it', async ({ page }) => {
  await page.setInputFiles('#avatar', photo(CAT))
  await page.waitForFunction(() => document.querySelector('#users img')?.naturalWidth === 240)
})

onThePage('signing out everywhere ends all sessions; the next call signs in again', async ({ calls, newTask, page, text }) => {
  const before = (await calls()).length
  await page.click('#sign-out')
  await page.locator('.toast.shown').waitFor()
  assert.equal(await text('#session'), '未登录')

  await newTask('After signing out')

  assert.deepEqual((await calls()).slice(before), ['alice DELETE /session?scope=all 204', 'alice POST /session 201', 'alice POST /tasks 201', 'alice GET /tasks/… 200'])
})

onThePage('a session that ends behind the client\'s back is replaced, and nobody notices', async ({ calls, newTask, page }) => {
  const before = (await calls()).length
  await page.click('#expire')
  await page.locator('.toast.shown').waitFor()

  await newTask('After the end')

  assert.deepEqual((await calls()).slice(before, before + 3), ['alice POST /tasks 401', 'alice POST /session 201', 'alice POST /tasks 201'])
})

onThePage('while S3 is down photos wait, and arrive once it is back', async ({ calls, choose, loaded, newTask, page }) => {
  await newTask('Through an outage')
  await page.check('#fault-s3_down')
  await choose(COFFEE)
  await page.waitForFunction(() => [...document.querySelectorAll('#calls tr.bad')].some((row) => row.cells[2].innerText === '503'))

  await page.uncheck('#fault-s3_down')

  await loaded(1)
  const uploads = (await calls()).filter((call) => call.includes('/images'))
  assert.deepEqual([uploads[0], uploads.at(-1)], ['alice POST /tasks/…/images 503', 'alice POST /tasks/…/images 201'])
})

onThePage('pictures that do not load while S3 is down say so, and load at a tap afterwards', async ({ choose, loaded, newTask, page, text }) => {
  await newTask('Broken pictures')
  await choose(COFFEE)
  await loaded(1)
  await Promise.all([page.waitForResponse('**/faults'), page.check('#fault-s3_down')])
  await page.route('**/*', (route) => route.continue()) // without the browser's cache
  await page.click('label:has-text("bob")')
  await page.click('label:has-text("alice")')
  await page.locator('.broken').waitFor()
  assert.match(await text('.broken'), /图片加载失败/)

  await Promise.all([page.waitForResponse('**/faults'), page.uncheck('#fault-s3_down')])
  await page.click('.broken')

  await loaded(1)
  await choose(CAT)
  await loaded(2)
})

onThePage('while WeChat is busy the page says so, and goes on when it is back', async ({ calls, page, text }) => {
  await page.check('#fault-busy')
  await page.click('label:has-text("carol")')
  await page.locator('.trouble').waitFor({ timeout: 60000 })
  assert.match(await text('.trouble'), /微信服务暂时不可用|系统繁忙/)

  await page.uncheck('#fault-busy')
  await page.click('.trouble button')

  await page.locator('.trouble').waitFor({ state: 'hidden' })
  assert.ok((await calls()).includes('carol POST /session 201'))
})

onThePage('over a network that breaks one call in five every photo arrives, once', async ({ choose, count, loaded, newTask, page }) => {
  await newTask('Shaky')
  await page.check('#fault-shaky')

  await choose(COFFEE, CAT, ROCKET, PHONE, MOUNTAIN, COFFEE, CAT, ROCKET, PHONE, MOUNTAIN)
  await loaded(10)
  await page.uncheck('#fault-shaky')
  await page.click('.chip[aria-pressed=true]')

  await loaded(10)
  assert.equal(await count('#grid button.tile'), 10)
})

onThePage('without a network it says so, and a tap tries again', async ({ newTask, page, text }) => {
  await newTask('Online')
  await page.check('#fault-offline')
  await page.click('label:has-text("bob")')
  await page.locator('.trouble').waitFor({ timeout: 60000 })
  assert.match(await text('.trouble'), /网络/)

  await page.uncheck('#fault-offline')
  await page.click('.trouble button')

  await page.locator('.trouble').waitFor({ state: 'hidden' })
})

onThePage('the whole of it can be done by keyboard', async ({ choose, loaded, page }) => {
  const focused = (selector) => page.waitForFunction((expected) => document.activeElement?.matches(expected), selector)
  const tabTo = async (selector) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return
      await page.keyboard.press('Tab')
    }
    await focused(selector)
  }

  await tabTo('#users input')
  await page.keyboard.press('ArrowRight')
  await page.locator('#users label:has-text("bob"):has(:checked)').waitFor()
  await tabTo('#title')
  await page.keyboard.type('By keyboard')
  await page.keyboard.press('Enter')
  await page.locator('main[aria-busy=false] #samples').waitFor()
  await tabTo('label.add')
  await page.evaluate(() => {
    const mark = (event) => { event.preventDefault(); event.target.dataset.asked = 'yes' } // no dialog of the system
    document.getElementById('photos').addEventListener('click', mark, { once: true })
  })
  await page.keyboard.press('Enter')
  await page.locator('#photos[data-asked=yes]').waitFor({ state: 'attached' })
  await choose(COFFEE)
  await loaded(1)
  await tabTo('#grid button.tile')
  await page.keyboard.press('Enter')
  await page.locator('#viewer').waitFor()
  await page.keyboard.press('Escape')
  await tabTo('#fault-slow')
  await page.keyboard.press('Space')

  assert.ok(await page.isChecked('#fault-slow'))
})

onThePage('it speaks English, and remembers that', async ({ choose, loaded, newTask, page, text }) => {
  assert.equal(await text('#tasks-title'), 'Tasks')
  await newTask('In English')
  await choose(HEIC)
  await page.locator('.failed').waitFor()
  assert.match(await text('.failed'), /no supported picture/)
  const told = await page.evaluate(() => {
    const copy = document.body.cloneNode(true)
    copy.querySelectorAll('#tasks, #language').forEach((element) => element.remove())
    return copy.textContent
  })
  assert.doesNotMatch(told, /\p{Script=Han}/u)

  await page.click('#language')
  assert.equal(await text('#tasks-title'), '任务')
  await page.reload()
  assert.equal(await text('#tasks-title'), '任务')
  await loaded(0)
}, { language: 'en-GB' })

for (const language of ['zh-CN', 'en-GB']) {
  for (const scheme of ['light', 'dark']) {
    onThePage(`nothing keeps people out, nothing is wider than a small phone: ${language}, ${scheme}`, async ({ barriers, choose, loaded, newTask, page, picture }) => {
      await newTask('A title that is much longer than the screen of a small phone is wide')
      await choose(COFFEE, HEIC)
      await loaded(1)
      await page.locator('.failed').waitFor()

      assert.deepEqual(await barriers(), [])
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320)
      await picture(`small-${language}-${scheme}`)
    }, { language, scheme, viewport: { width: 320, height: 640 } })
  }
}

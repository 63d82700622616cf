// The console in a real browser, driven by test_console.py: one command per line on stdin as JSON, one answer per line on stdout.
// Commands are the few things a person does on these pages; waits are for what the page shows, with a deadline. Nothing here reloads a page
// unless told to: what changes was pushed.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../services/console/package.json', import.meta.url))
const { chromium } = require('playwright-core')
const [base, profile] = process.argv.slice(2)

const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  locale: 'zh-CN',
  timezoneId: 'UTC',                   // the pages must show the site's time all the same
  viewport: { width: 1280, height: 800 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--lang=zh-CN', '--autoplay-policy=no-user-gesture-required'],
})
const page = context.pages()[0] ?? (await context.newPage())
page.setDefaultTimeout(15000)

// What went wrong without anybody looking: script errors, console errors, CSP violations, and whole-page loads.
const faults = []
let loads = 0
page.on('pageerror', (e) => faults.push(`pageerror: ${e.message}`))
page.on('console', (m) => m.type() === 'error' && faults.push(`console: ${m.text()} (${m.location().url})`))
page.on('load', () => loads++)
await context.exposeFunction('ycViolation', (text) => faults.push(`csp: ${text}`))
await context.addInitScript(() =>
  document.addEventListener('securitypolicyviolation', (e) => window.ycViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`)))

const commands = {
  goto: ({ path }) => page.goto(base + path).then(() => page.url()),
  fill: ({ css, text }) => page.fill(css, text),
  click: ({ css }) => page.click(css),
  press: ({ key }) => page.keyboard.press(key),
  text: ({ css }) => page.innerText(css),
  texts: ({ css }) => page.locator(css).allInnerTexts(),
  classes: ({ css }) => page.getAttribute(css, 'class'),
  kinds: ({ css }) => page.locator(css).evaluateAll((all) => all.map((e) => e.dataset.kind)),
  wait: ({ css, has, lacks, within = 15000 }) =>
    page.waitForFunction(
      ([c, h, n]) => {
        const all = [...document.querySelectorAll(c)].map((e) => e.innerText).join('\n')
        return (h === undefined || (document.querySelector(c) && all.includes(h))) && (n === undefined || !all.includes(n))
      },
      [css, has, lacks],
      { timeout: within },
    ).then(() => null),
  url: () => page.url(),
  focused: () => page.evaluate(() => document.activeElement?.getAttribute('name') ?? document.activeElement?.tagName),
  // What a listener needs: the file opens as sound and moves on when played.
  play: ({ css }) =>
    page.locator(css).first().evaluate(
      (a) =>
        new Promise((done, fail) => {
          setTimeout(() => fail(new Error(`not played: state ${a.readyState}, ${a.error?.message}`)), 10000)
          a.muted = true
          a.ontimeupdate = () => a.currentTime > 0.2 && (a.pause(), done(a.duration))
          a.onerror = () => fail(new Error(a.error?.message))
          a.play().catch(fail)
        }),
    ),
  // Nothing may be wider than its page, and no word of the catalogue may stand there as its key.
  layout: () =>
    page.evaluate(() => {
      const wide = [document.documentElement, document.querySelector('.scroller')].some((e) => e.scrollWidth > e.clientWidth)
      const keys = document.body.innerText.match(/\b(app|login|wall|status|cause|reason|call|matters|matter|state|span)\.[a-z]\w*/gi) ?? []
      return { wide, keys }
    }),
  forget: () => context.clearCookies(),
  shot: ({ file }) => page.mouse.move(640, 30).then(() => page.evaluate(() => document.activeElement?.blur())).then(() => page.screenshot({ path: file })).then(() => null),
  report: () => ({ faults, loads }),
  close: () => context.close(),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { cmd, ...args } = JSON.parse(line)
  let answer
  try {
    answer = { ok: (await commands[cmd](args)) ?? null }
  } catch (e) {
    answer = { error: String(e.message ?? e), url: page.url(), body: (await page.innerText('body').catch(() => '')).slice(0, 3000), faults }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
  if (cmd === 'close') break
}
process.exit(0)

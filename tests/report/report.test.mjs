// report.html in a real browser: it stands alone, tells the truth, and everybody can read it.
//
// Needs a built authwave (AUTHWAVE, else target/debug/authwave) and Chromium (CHROMIUM, else Debian's).
// With PICTURES=1 it writes docs/report-light.png and docs/report-dark.png anew.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const project = resolve(import.meta.dirname, '../..');
const authwave = process.env.AUTHWAVE ?? join(project, 'target/debug/authwave');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const room = mkdtempSync(join(tmpdir(), 'authwave-report-'));
let browser, simulator, summary;

/** A few hundred rows of all kinds, some of which fail. */
function rows() {
  const lines = ['user,action,phone_number,new_password'];
  for (let row = 0; row < 400; row++) {
    const user = `user${row}@contoso.com`;
    if (row % 40 === 7) lines.push(`${user},enable-sms-sign-in,,`);
    else if (row % 40 === 9) lines.push(`${user},reset-password,,Correct-Horse-${row}`);
    else lines.push(`${user},set-phone,+1 206555${String(row).padStart(4, '0')},`);
  }
  return lines.join('\n') + '\n';
}

before(async () => {
  writeFileSync(join(room, 'wave.csv'), rows());
  const flags = ['simulator', '--listen', '127.0.0.1:0', '--writes-per-second', '40', '--latency', '30ms'];
  simulator = spawn(authwave, flags, { cwd: room, stdio: ['ignore', 'pipe', 'pipe'] });
  const root = await new Promise((found, failed) => {
    let said = '';
    const listen = (text) => {
      said += text;
      const address = said.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (address) found(address[0]);
    };
    simulator.stdout.on('data', listen);
    simulator.stderr.on('data', listen);
    simulator.on('exit', () => failed(new Error(said)));
  });
  const env = { PATH: process.env.PATH, HOME: room, AUTHWAVE_ACCESS_TOKEN: 'token', AUTHWAVE_YES: 'true' };
  const run = spawnSync(
    authwave,
    ['run', 'wave.csv', '--run-dir', 'out', '--graph-root', root, '--quiet', '--max-failures', '100%'],
    { cwd: room, env, encoding: 'utf8' },
  );
  assert.equal(run.status, 1, run.stderr);
  summary = JSON.parse(readFileSync(join(room, 'out/summary.json'), 'utf8'));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  simulator?.kill();
  rmSync(room, { recursive: true });
});

/** The report in a browser, with what went wrong or left the page. */
async function open(colorScheme, viewport = { width: 900, height: 1000 }) {
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  const faults = [], requests = [];
  page.on('console', (message) => faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  const address = pathToFileURL(join(room, 'out/report.html')).href;
  await page.goto(address, { waitUntil: 'load' });
  return { page, context, faults, requests: requests.filter((url) => url !== address && !url.startsWith('data:')) };
}

test('nothing is said on the console, and no request leaves the page', async () => {
  const { context, faults, requests } = await open('light');
  assert.deepEqual(faults, []);
  assert.deepEqual(requests, []);
  await context.close();
});

test('the tiles and charts have the data of the summary', async () => {
  const { page, context } = await open('light');
  const tiles = await page.$$eval('.tiles li', (all) => all.map((li) => [li.dataset.status, +li.querySelector('b').textContent.replaceAll(',', '')]));
  for (const [status, count] of tiles) assert.equal(count, summary.rows[status], status);
  assert.equal(tiles.length, 6);
  const bars = (chart) =>
    page.$$eval(`#${chart} rect`, (all) => all.map((bar) => ({ series: bar.dataset.series, at: bar.dataset.at, value: +bar.dataset.value, height: +bar.getAttribute('height') })));
  const total = (all) => all.reduce((sum, bar) => sum + bar.value, 0);
  assert.equal(total(await bars('chart-throttled')), summary.requests.throttled);
  assert.equal(total(await bars('chart-latency')), summary.requests.total - (summary.requests.by_status.none ?? 0));
  assert.equal(total(await bars('chart-operations')), summary.operations.succeeded);
  const rates = (await bars('chart-rate')).filter((bar) => bar.series === 'writes');
  const expected = summary.pace.intervals.map((one) => (one.writes * 1000) / summary.pace.interval_ms).filter((rate) => rate > 0);
  assert.deepEqual(rates.map((bar) => bar.value), expected.map((rate) => (rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10)));
  // Heights are to scale.
  const [first, second] = [...rates].sort((a, b) => b.height - a.height);
  assert.ok(Math.abs(first.height / second.height - first.value / second.value) < 0.05);
  await context.close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing serious in ${colorScheme}`, async () => {
    const { page, context } = await open(colorScheme);
    // The page forbids scripts; the debugger's are not bound by that.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const serious = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
    assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`), []);
    await context.close();
  });
}

test('the colours follow the scheme, and print is dark on light', async () => {
  const colours = async (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const { page, context } = await open('dark');
  assert.equal(await colours(page), 'rgb(13, 17, 23)');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  assert.equal(await colours(page), 'rgb(255, 255, 255)');
  await context.close();
});

test('on a narrow screen nothing sticks out', async () => {
  const { page, context } = await open('light', { width: 360, height: 640 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await context.close();
});

if (process.env.PICTURES) test('pictures for the README', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const { page, context } = await open(colorScheme, { width: 900, height: 1150 });
    await page.$eval('kbd', (line, room) => { line.textContent = line.textContent.replace(`${room}/out`, 'runs/wave'); }, room);
    await page.screenshot({ path: join(project, `docs/report-${colorScheme}.png`) });
    await context.close();
  }
});

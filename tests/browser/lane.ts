// What the specs share: a page on a lane, a long press, and the rules of the glass.
import { test as base, expect, type Locator, type Page } from '@playwright/test';
import { MockLane } from './mock-lane';
import { scenes } from './views';

export { expect };

export const SIZES = [
  { width: 1024, height: 600 },
  { width: 1280, height: 800 },
] as const;

interface Fixtures { lane: MockLane; complaints: string[] }

/** A mock lane with a held truck; a page error, a refused resource or a policy violation fails the test. */
export const test = base.extend<Fixtures>({
  lane: async ({}, use) => {
    const lane = await MockLane.start(scenes.held());
    await use(lane);
    await lane.stop();
  },
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        const expected = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|40[13]|429|50[34]|ERR_CONNECTION_RESET/.test(message.text());
        if (message.type() === 'error' && !expected) complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export function named(page: Page, name: string): Locator {
  return page.locator(`[data-name="${name}"]`);
}

export async function openLane(page: Page, lane: MockLane): Promise<void> {
  await page.goto(lane.url);
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
}

/** Finger down, wait, finger up. */
export async function pressAndHold(page: Page, target: Locator, ms = 1_000): Promise<void> {
  const box = await target.boundingBox();
  if (box === null) throw new Error('the target is not on the screen');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.waitForTimeout(ms);
  await page.mouse.up();
}

export async function logIn(page: Page, id: string, pin = '481516'): Promise<void> {
  const listed = named(page, `login-${id}`);
  await expect(listed.or(named(page, 'other-person')).first()).toBeVisible();
  await page.waitForTimeout(100); // the list arrives a moment after the pad
  if (!(await listed.isVisible())) {
    await named(page, 'other-person').click();
    for (const key of id) await named(page, `key-${key}`).click();
    await named(page, 'done').click();
  } else {
    await listed.click();
  }
  for (const digit of pin) await named(page, `key-${digit}`).click();
}

/** Nothing scrolls, every target is at least 80 px and inside the glass, and no two are closer than 16 px. */
export async function expectGlassRules(page: Page): Promise<void> {
  const size = page.viewportSize();
  if (size === null) throw new Error('no viewport');
  const scroll = await page.evaluate(() => {
    const root = document.documentElement;
    return [root.scrollWidth - root.clientWidth, root.scrollHeight - root.clientHeight];
  });
  expect(scroll, 'the page scrolls').toEqual([0, 0]);
  const targets = await page.locator('button:visible').evaluateAll((buttons) =>
    buttons
      .filter((button) => {
        const box = button.getBoundingClientRect();
        const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        return top !== null && button.contains(top);
      })
      .map((button) => {
        const box = button.getBoundingClientRect();
        return { name: button.getAttribute('data-name') ?? button.textContent ?? '', x: box.left, y: box.top, w: box.width, h: box.height };
      }),
  );
  expect(targets.length).toBeGreaterThan(1);
  const slack = 0.6;
  for (const a of targets) {
    expect(a.w, `${a.name} is narrow`).toBeGreaterThanOrEqual(80 - slack);
    expect(a.h, `${a.name} is low`).toBeGreaterThanOrEqual(80 - slack);
    expect(a.x, `${a.name} leaves the glass`).toBeGreaterThanOrEqual(0);
    expect(a.y, `${a.name} leaves the glass`).toBeGreaterThanOrEqual(0);
    expect(a.x + a.w, `${a.name} leaves the glass`).toBeLessThanOrEqual(size.width + slack);
    expect(a.y + a.h, `${a.name} leaves the glass`).toBeLessThanOrEqual(size.height + slack);
    for (const b of targets) {
      if (a === b) continue;
      const apartX = Math.max(b.x - (a.x + a.w), a.x - (b.x + b.w));
      const apartY = Math.max(b.y - (a.y + a.h), a.y - (b.y + b.h));
      expect(Math.max(apartX, apartY), `${a.name} and ${b.name} are too close`).toBeGreaterThanOrEqual(16 - slack);
    }
  }
}

/** Text that is cut vertically or pokes out of its panel: the eye cannot read it, and no scroll bar would tell. */
export async function expectNothingCut(page: Page): Promise<void> {
  const cut = await page.evaluate(() => {
    const out: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('section, .card, .line, .touch, .phase, .item, h1, dl, .body, .head')) {
      if (element.closest('[inert]') !== null || element.offsetParent === null) continue;
      if (element.scrollHeight - element.clientHeight > 3) out.push(`${element.className} is ${element.scrollHeight - element.clientHeight} px too high: ${element.textContent?.slice(0, 40)}`);
    }
    return out;
  });
  expect(cut).toEqual([]);
}

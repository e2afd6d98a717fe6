// The same page on the real daemon: BORDERLANE_URL names it (a simulated lane must stand behind it: this presses Stop), BORDERLANE_PID is its
// process: it is stopped and continued.
import type { Page } from '@playwright/test';
import { expect, logIn, named, pressAndHold, test } from './lane';

const url = process.env['BORDERLANE_URL'];
const pid = process.env['BORDERLANE_PID'];

test.describe('the real daemon', () => {
  test.skip(url === undefined, 'BORDERLANE_URL names no daemon');

  /** The demonstration's officer. */
  const PIN = '271828';
  async function logInAsDemo(page: Page): Promise<void> {
    await page.goto(url!);
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
    await named(page, 'more').click();
    await named(page, 'login').click();
    await logIn(page, 'demo', PIN);
    await expect(named(page, 'duty')).toContainText('demo');
  }
  async function setMode(page: Page, mode: string, word: string): Promise<void> {
    await named(page, 'more').click();
    await named(page, `mode-${mode}`).click();
    await named(page, 'reason-ordered').click();
    await expect(named(page, 'mode')).toContainText(word);
    await expect(named(page, 'notice')).toContainText('Đã xong');
  }

  test('who may log in is listed by the daemon, and a wrong PIN is refused by it', async ({ page }) => {
    await page.goto(url!);
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
    await named(page, 'more').click();
    await named(page, 'login').click();
    await expect(named(page, 'login-demo')).toContainText('Hải quan · người giám sát');
    await logIn(page, 'demo', '135790');
    await expect(page.getByRole('alert')).toContainText('Tên hoặc mã PIN không đúng');
    await logIn(page, 'demo', PIN);
    await expect(named(page, 'duty')).toContainText('demo');
  });

  test('attended: a truck waits for a person, and opens when that person agrees', async ({ page }) => {
    test.setTimeout(200_000);
    await logInAsDemo(page);
    await setMode(page, 'attended', 'Có người trực');
    // A truck that has its verdict and no permit: one that was opened for already is not asked about.
    await expect(page.locator('[data-name="open"]:enabled', { hasText: 'đồng ý với làn' })).toBeVisible({ timeout: 150_000 });
    await pressAndHold(page, named(page, 'open'));
    await expect(named(page, 'map')).toContainText(/đang nâng|đã nâng/, { timeout: 10_000 });
    await expect(named(page, 'notice')).toContainText('Đã xong');
    await page.waitForTimeout(400);
    await setMode(page, 'automatic', 'Tự động');
  });

  test('a daemon that stands still greys the page out, and the page comes back with it', async ({ page }) => {
    test.skip(pid === undefined, 'BORDERLANE_PID names no process');
    await page.goto(url!);
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
    process.kill(Number(pid), 'SIGSTOP');
    try {
      await expect(page.locator('main')).toHaveAttribute('data-liveness', 'stale', { timeout: 5_000 });
    } finally {
      process.kill(Number(pid), 'SIGCONT');
    }
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 10_000 });
  });

  test('the page comes alive, and Stop is seen in the view', async ({ page }) => {
    await page.goto(url!);
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
    await expect(named(page, 'phase')).not.toBeEmpty();
    await named(page, 'stop').click();
    await expect(page.locator('[data-fault="stop_latched"]')).toBeVisible({ timeout: 3_000 });
    await logInAsDemo(page);
    await pressAndHold(page, named(page, 'reset-faults'));
    await expect(page.locator('[data-fault="stop_latched"]')).toHaveCount(0);
  });
});

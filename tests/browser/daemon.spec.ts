// The same page on the real daemon: BORDERLANE_URL names it (a simulated lane must stand behind it: this presses Stop), BORDERLANE_PID is its
// process: it is stopped and continued.
import { expect, named, test } from './lane';

const url = process.env['BORDERLANE_URL'];
const pid = process.env['BORDERLANE_PID'];

test.describe('the real daemon', () => {
  test.skip(url === undefined, 'BORDERLANE_URL names no daemon');

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
  });
});

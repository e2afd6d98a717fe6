// The same page on the real daemon: BORDERLANE_URL names it (a simulated lane must stand behind it: this presses Stop).
import { expect, named, test } from './lane';

const url = process.env['BORDERLANE_URL'];

test.describe('the real daemon', () => {
  test.skip(url === undefined, 'BORDERLANE_URL names no daemon');

  test('the page comes alive, and Stop is seen in the view', async ({ page }) => {
    await page.goto(url!);
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
    await expect(named(page, 'phase')).not.toBeEmpty();
    await named(page, 'stop').click();
    await expect(page.locator('[data-fault="stop_latched"]')).toBeVisible({ timeout: 3_000 });
  });
});

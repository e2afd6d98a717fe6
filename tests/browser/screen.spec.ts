// What the officer sees: the held vehicle in words, ages, and a screen that greys out and still stops.
import { expect, named, openLane, test } from './lane';
import { check, frame, scenes, vehicle, view } from './views';

test('a held vehicle names the agency that has not confirmed, in Vietnamese', async ({ page, lane }) => {
  await openLane(page, lane);
  await expect(named(page, 'phase')).toContainText('GIỮ XE');
  const confirmations = named(page, 'checks').locator('[data-check="confirmations"]');
  await expect(confirmations).toContainText('Thiếu xác nhận của Kiểm dịch thực vật');
  await expect(confirmations).toHaveAttribute('data-result', 'unknown');
  await expect(named(page, 'plate-front')).toContainText('12C-123.45');
  await expect(named(page, 'plate-front')).toContainText('97');
  await expect(named(page, 'declaration')).toContainText('XK-2026-004711');
  await expect(named(page, 'weight')).toContainText('38\u202f420');
});

test('the same in English, after one touch, and it is remembered', async ({ page, lane }) => {
  await openLane(page, lane);
  await named(page, 'more').click();
  await named(page, 'language-en').click();
  await named(page, 'cancel').click();
  await expect(named(page, 'checks')).toContainText('Not confirmed by Plant quarantine');
  await openLane(page, lane);
  await expect(named(page, 'phase')).toContainText('HELD');
});

test('a confirmation that arrives changes the screen by itself', async ({ page, lane }) => {
  await openLane(page, lane);
  lane.change({ phase: 'opening', boom: 'rising', at_boom: vehicle('pass'), permit: { permit: { kind: 'passage' }, left_ms: 8_000, entered: false } });
  await expect(named(page, 'checks')).toHaveAttribute('data-outcome', 'pass');
  await expect(named(page, 'map')).toContainText('đang nâng');
  await expect(named(page, 'open')).toBeDisabled();
});

test('the page greys out within three seconds when the lane loop stands still, though beats go on', async ({ page, lane }) => {
  await openLane(page, lane);
  lane.turning = false;
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'stale', { timeout: 3_200 });
  await expect(page.getByRole('alert')).toContainText('MÀN HÌNH ĐỨNG');
  await expect(page.getByRole('alert')).toContainText(/[2-9]\u202fgiây/);
  await expect(named(page, 'open')).toBeDisabled();
  await expect(named(page, 'plate-front')).toContainText('Hình cũ');
  lane.turning = true;
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 3_000 });
});

test('it does not grey out while the loop turns', async ({ page, lane }) => {
  await openLane(page, lane);
  for (let i = 0; i < 12; i++) {
    await page.waitForTimeout(300);
    await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live');
  }
});

test('a greyed out page takes no act but Stop, and Stop posts', async ({ page, lane }) => {
  await openLane(page, lane);
  lane.turning = false;
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'stale', { timeout: 3_200 });
  await named(page, 'refuse').click({ force: true });
  await page.waitForTimeout(200);
  await expect(named(page, 'login')).toHaveCount(0);
  await expect(named(page, 'typed')).toHaveCount(0);
  await named(page, 'stop').click();
  await expect.poll(() => lane.stops).toBe(1);
  await expect(named(page, 'stop')).toContainText('đã dừng');
});

test('a page that never heard from the lane shows nothing of it, and Stop works', async ({ page, lane }) => {
  lane.turning = false;
  await page.goto(lane.url);
  await page.waitForTimeout(1_500);
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'connecting');
  await expect(page.getByRole('alert')).toContainText('Đang kết nối với làn');
  await named(page, 'stop').click();
  await expect.poll(() => lane.stops).toBe(1);
});

test('the daemon gone: grey, Stop says it was not sent and tells what to press', async ({ page, lane }) => {
  await openLane(page, lane);
  await lane.stop();
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'stale', { timeout: 3_500 });
  await named(page, 'stop').click();
  await expect(named(page, 'stop')).toContainText('nhấn nút dừng khẩn cấp');
});

test('Stop acts when the finger lands, wherever it leaves, once a touch', async ({ page, lane }) => {
  await openLane(page, lane);
  const box = (await named(page, 'stop').boundingBox())!;
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  await expect.poll(() => lane.stops).toBe(1);
  await page.mouse.move(10, 10);
  await page.mouse.up();
  await page.waitForTimeout(200);
  expect(lane.stops).toBe(1);
});

test('one event stream a page, also after a cut', async ({ page, lane }) => {
  await openLane(page, lane);
  expect(lane.openStreams).toBe(1);
  lane.cut();
  await expect.poll(() => lane.streams, { timeout: 5_000 }).toBe(2);
  await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 5_000 });
  expect(lane.openStreams).toBe(1);
});

test('offline: since when, and how many records wait', async ({ page, lane }) => {
  lane.show(scenes.worst());
  await openLane(page, lane);
  await expect(named(page, 'link')).toContainText('MẤT KẾT NỐI');
  await expect(named(page, 'link')).toContainText('2\u202fgiờ');
  await expect(named(page, 'link')).toContainText('1284');
});

test('faults in one line each with what to do; the rest behind one touch', async ({ page, lane }) => {
  lane.show(scenes.worst());
  await openLane(page, lane);
  await expect(named(page, 'faults').locator('[data-fault="uncommanded_movement"]')).toContainText('Kiểm tra làn');
  await named(page, 'all-faults').click();
  await expect(page.locator('[data-fault="centre_link_lost"]')).toContainText('Mất kết nối trung tâm');
});

test('a plate that is not read, a weight that is not known and a scale that is silent are words, not numbers', async ({ page, lane }) => {
  lane.show(frame(view({
    phase: 'held',
    at_boom: vehicle('hold', [
      check('plate_read', 'unknown', 'hold'),
      check('cargo_weight', 'unknown', 'hold', {
        about: 'weight', gross_grams: null, tare_grams: null, tare_source: null, declared_grams: null, min_grams: null, max_grams: null,
        why_unknown: 'several_vehicles',
      }),
    ], { plates: [], gross_grams: null, gross_age_ms: null, gross_unknown: 'several_vehicles' }),
  })));
  await openLane(page, lane);
  await expect(named(page, 'plate-front')).toContainText('chưa đọc được');
  await expect(named(page, 'weight')).toContainText('có hơn một xe trên cân');
  expect(await named(page, 'weight').locator('.none').evaluate((text) => text.scrollWidth <= text.clientWidth), 'the reason is not cut').toBe(true);
  await expect(named(page, 'weight')).not.toContainText('38');
});

test('a watch that the lane may not see is not named', async ({ page, lane }) => {
  lane.show(frame(view({ phase: 'held', at_boom: vehicle('hold', [check('instruction', 'failed', 'hold')]) })));
  await openLane(page, lane);
  await expect(named(page, 'checks')).toContainText('Chỉ dẫn riêng');
  await expect(named(page, 'checks')).not.toContainText('Danh sách theo dõi');
});

test('the driver sees the sign and never says go when the lane is silent', async ({ page, lane }) => {
  lane.change({ sign: 'go' });
  await page.goto(`${lane.url}/driver.html`);
  await expect(page.locator('main')).toHaveAttribute('data-sign', 'go', { timeout: 4_000 });
  await expect(page.locator('main')).toContainText('MỜI QUA');
  lane.turning = false;
  await expect(page.locator('main')).toHaveAttribute('data-sign', 'stop', { timeout: 3_500 });
});

// A camera that does not see: the officer reads which one and what to do, looks at it beside its commissioning view; a supervisor accepts another.
import { expect, logIn, named, openLane, pressAndHold, SIZES, test } from './lane';
import type { CameraState, Fault } from '../../ui/src/kit/wire';
import { frame, scenes, view } from './views';

test('the banner names the camera, what is wrong with it and what to do', async ({ page, lane }) => {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    lane.show(scenes.covered());
    await openLane(page, lane);
    await expect(page.locator('[data-fault=camera_untrusted]')).toContainText('Camera trước: ống kính bị che');
    await expect(page.locator('[data-fault=camera_untrusted]')).toContainText('Bỏ vật che ống kính');
    await expect(page.locator('[data-fault=camera_poor]')).toContainText('Camera sau: kính bẩn, mờ');
    await expect(named(page, 'no-view-rear')).toContainText('chưa nghiệm thu hình');
    await expect(named(page, 'no-view-front')).toHaveCount(0);
    await named(page, 'to-cameras').click();
    await expect(named(page, 'camera-sheet')).toHaveAttribute('data-state', 'covered');
    for (const picture of ['camera-now', 'camera-view']) {
      await expect(named(page, picture)).toBeVisible();
      expect(await named(page, picture).evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
    }
    await expect(page.locator('figcaption').nth(1)).toContainText('giamsat.minh');
    const stop = await named(page, 'stop').boundingBox();
    expect(stop!.x + stop!.width).toBeLessThanOrEqual(size.width);
    await named(page, 'camera-other').click();
    await expect(named(page, 'camera-view')).toHaveCount(0);
    await expect(page.getByRole('heading')).toContainText('Camera sau');
    await named(page, 'cancel').click();
  }
});

test('an officer cannot accept a view, a supervisor accepts the picture that was shown', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.show(scenes.covered());
  await openLane(page, lane);
  await named(page, 'to-cameras').click();
  await expect(named(page, 'camera-now')).toBeVisible();
  await pressAndHold(page, named(page, 'camera-accept'));
  expect(lane.views).toHaveLength(0);
  await logIn(page, 'giamsat.minh');
  await expect(named(page, 'camera-now')).toBeVisible();
  await named(page, 'camera-accept').click();
  await page.waitForTimeout(300);
  expect(lane.views, 'a short press does nothing').toHaveLength(0);
  await page.waitForTimeout(400);
  await pressAndHold(page, named(page, 'camera-accept'));
  await expect.poll(() => lane.views).toEqual([{ camera: 'front', act: { do: 'accept', picture: 'cc'.repeat(32) } }]);
  await expect(named(page, 'notice')).toContainText('Đã ghi hình nghiệm thu');
  await pressAndHold(page, named(page, 'camera-take-back'));
  await expect.poll(() => lane.views.at(-1)).toEqual({ camera: 'front', act: { do: 'take_back' } });
});

const TROUBLES: [Fault, CameraState][] = [
  ['camera_untrusted', 'covered'], ['camera_untrusted', 'moved'], ['camera_frozen', 'frozen'], ['camera_frozen', 'no_frames'], ['camera_down', 'down'],
  ['camera_poor', 'dark'], ['camera_poor', 'glare'], ['camera_poor', 'blurred'], ['camera_poor', 'dirty'], ['camera_poor', 'out_of_frame'],
];

for (const language of ['vi', 'en', 'zh']) {
  test(`${language}: nothing that is said of a camera is cut`, async ({ page, lane }) => {
    await page.setViewportSize(SIZES[0]);
    lane.show(scenes.idle());
    await page.goto(lane.url);
    await page.evaluate((code) => localStorage.setItem('borderlane.language', code), language);
    await openLane(page, lane);
    const cut: (string | null)[] = [];
    for (const [fault, state] of TROUBLES) {
      for (const cameras of [[state, state], [state, 'ok']] as [CameraState, CameraState][]) {
        lane.show(frame(view({ cameras, faults: [{ fault, severity: 'attend', age_ms: 3_500_000 }] })));
        await expect(page.locator(`[data-fault=${fault}]`)).toBeVisible();
        await page.waitForTimeout(120);
        cut.push(...(await page.locator('[data-fault] .cut').evaluateAll((texts) => texts.filter((text) => text.scrollWidth > text.clientWidth).map((text) => text.textContent))));
      }
    }
    expect(cut).toEqual([]);
  });
}

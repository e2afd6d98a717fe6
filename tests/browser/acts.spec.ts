// What the officer does: two steps in two places, on the view that was looked at, pending until the field follows.
import { expect, logIn, named, openLane, pressAndHold, test } from './lane';
import { PASSAGE, scenes, SECOND, vehicle } from './views';

test('an override: hold Open, log in, give the reason; the act names the passage and the view it was decided on', async ({ page, lane }) => {
  await openLane(page, lane);
  await pressAndHold(page, named(page, 'open'));
  await logIn(page, 'lan.nguyen');
  await expect(named(page, 'reasons')).toContainText('Làn kết luận: giữ xe');
  await named(page, 'reason-confirmed_outside').click();
  await expect.poll(() => lane.acts.length).toBe(1);
  const [act] = lane.acts;
  expect(act!.passage).toBe(PASSAGE);
  expect(act!.view_stamp).toBe(17);
  expect(act!.act).toEqual({ do: 'open', reason: { code: 'confirmed_outside', text: '' } });
  expect(act!.id).toMatch(/^[0-9a-z-]{8,64}$/);
  await expect(named(page, 'open')).toHaveAttribute('aria-busy', 'true');
  await expect(named(page, 'open')).toContainText('chờ thiết bị');
  lane.change({ phase: 'opening', boom: 'rising', permit: { permit: { kind: 'passage' }, left_ms: 9_000, entered: false } });
  await expect(named(page, 'open')).toHaveAttribute('aria-busy', 'false');
  await expect(named(page, 'notice')).toContainText('Đã xong');
});

test('a short press on Open does nothing', async ({ page, lane }) => {
  await openLane(page, lane);
  await pressAndHold(page, named(page, 'open'), 300);
  await page.waitForTimeout(300);
  await expect(named(page, 'login')).toHaveCount(0);
  expect(lane.acts).toHaveLength(0);
});

test('sliding off a target cancels it', async ({ page, lane }) => {
  await openLane(page, lane);
  const box = (await named(page, 'refuse').boundingBox())!;
  await page.mouse.move(box.x + 10, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x - 60, box.y - 60);
  await page.mouse.up();
  await expect(named(page, 'login')).toHaveCount(0);
  await expect(named(page, 'reasons')).toHaveCount(0);
});

test('a press is seen within 100 ms', async ({ page, lane }) => {
  await openLane(page, lane);
  const seen = await named(page, 'refuse').evaluate(async (button) => {
    const box = button.getBoundingClientRect();
    const at = performance.now();
    const event = { pointerId: 1, isPrimary: true, button: 0, bubbles: true, clientX: box.left + 5, clientY: box.top + 5 };
    (button as HTMLElement).setPointerCapture = () => undefined;
    button.dispatchEvent(new PointerEvent('pointerdown', event));
    while (!button.classList.contains('pressed')) await new Promise(requestAnimationFrame);
    return performance.now() - at;
  });
  expect(seen).toBeLessThan(100);
});

test('the vehicle changed while the reason was being chosen: nothing is sent, and the screen says so', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  await openLane(page, lane);
  await pressAndHold(page, named(page, 'open'));
  await expect(named(page, 'reasons')).toBeVisible();
  lane.change({ stamp: 18, at_boom: vehicle('hold', [], { passage: `${PASSAGE}9` }) });
  await expect(named(page, 'reasons')).toHaveCount(0);
  await expect(named(page, 'notice')).toContainText('Dữ liệu vừa đổi');
  expect(lane.acts).toHaveLength(0);
});

test('what the lane refuses is said in words', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.outcome = 'passage_changed';
  await openLane(page, lane);
  await named(page, 'divert').click();
  await named(page, 'reason-ordered').click();
  await expect(named(page, 'notice')).toContainText('Xe hoặc dữ liệu đã đổi');
  expect(lane.acts[0]!.act).toEqual({ do: 'divert', reason: { code: 'ordered', text: '' } });
});

test('an accepted act that the field does not follow is said so after ten seconds', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await named(page, 'reason-documents_checked').click();
  await expect(named(page, 'refuse')).toHaveAttribute('aria-busy', 'true');
  await expect(named(page, 'notice')).toContainText('Thiết bị chưa làm theo', { timeout: 12_000 });
});

test('a passing vehicle in Attended is agreed to without a reason', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.show(scenes.passing());
  await openLane(page, lane);
  await pressAndHold(page, named(page, 'open'));
  await expect.poll(() => lane.acts.map((act) => act.act)).toEqual([{ do: 'agree' }]);
});

test('a plate is corrected on the screen keyboard', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.onAct = (act) => {
    if (act.act.do !== 'correct_plate') return;
    const { camera, plate } = act.act;
    const standing = lane.frame.view.at_boom!;
    lane.change({ stamp: 18, at_boom: { ...standing, plates: standing.plates.map((p) => (p.camera === camera ? { ...p, text: plate, by_officer: true } : p)) } });
  };
  await openLane(page, lane);
  await named(page, 'plate').click();
  await expect(named(page, 'typed')).toContainText('12C12345');
  await named(page, 'key-⌫').click();
  await named(page, 'key-8').click();
  await named(page, 'done').click();
  await expect.poll(() => lane.acts.map((act) => act.act)).toEqual([{ do: 'correct_plate', camera: 'front', plate: '12C12348' }]);
  await expect(named(page, 'plate-front')).toContainText('cán bộ nhập');
  await expect(named(page, 'notice')).toContainText('Đã xong');
});

test('one of several declarations is chosen', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.show(scenes.choosing());
  await openLane(page, lane);
  await named(page, 'choose').click();
  await named(page, 'candidate-XK-2026-004712').click();
  await expect.poll(() => lane.acts.map((act) => act.act)).toEqual([{ do: 'choose_declaration', declaration: 'XK-2026-004712' }]);
});

test('a wrong PIN says nothing useful and clears the digits', async ({ page, lane }) => {
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await logIn(page, 'lan.nguyen', '135790');
  await expect(page.getByRole('alert')).toContainText('Tên hoặc mã PIN không đúng');
  await expect(named(page, 'pin')).toHaveAttribute('data-length', '0');
  expect(lane.acts).toHaveLength(0);
});

test('an act that waits for a second person asks for a supervisor to log in', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.change({ waiting_second: SECOND });
  await openLane(page, lane);
  await pressAndHold(page, named(page, 'second'));
  await logIn(page, 'giamsat.minh');
  await expect.poll(() => lane.acts.map((act) => act.act)).toEqual([{ do: 'second_consent', to: 'act-0001' }]);
});

test('no answer to an act is sent again under the same id, and then said to be unknown', async ({ page, lane }) => {
  test.setTimeout(40_000);
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.mute = true;
  await openLane(page, lane);
  await named(page, 'hold').click();
  await named(page, 'reason-ordered').click();
  await expect(named(page, 'notice')).toContainText('Không rõ làn đã nhận chưa', { timeout: 14_000 });
  expect(lane.acts).toHaveLength(2);
  expect(lane.acts[0]!.id).toBe(lane.acts[1]!.id);
});

test('Stop posts while an act hangs', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  lane.mute = true;
  await openLane(page, lane);
  await named(page, 'hold').click();
  await named(page, 'reason-ordered').click();
  await expect.poll(() => lane.acts.length).toBe(1);
  await named(page, 'stop').click();
  await expect.poll(() => lane.stops, { timeout: 1_000 }).toBe(1);
});

test('the plate is marked on its picture and cut out; another likely text takes one touch', async ({ page, lane }) => {
  lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
  const standing = lane.frame.view.at_boom!;
  const others = [{ text: '12C12346', probability_ppm: 201_000 }, { text: '12C1234', probability_ppm: 11_000 }];
  lane.change({ at_boom: { ...standing, plates: standing.plates.map((plate) => (plate.camera === 'front' ? { ...plate, others, contested: true } : plate)) } });
  await openLane(page, lane);
  await expect(named(page, 'plate-front')).toContainText('có hai biển số');
  await expect(named(page, 'plate-front').locator('[data-name="plate-crop"]')).toBeVisible();
  await expect(named(page, 'plate-front').locator('polygon').last()).toHaveAttribute('points', '98,58 158,60 158,78 98,76');
  await expect(named(page, 'plate-rear').locator('[data-name="plate-crop"]')).toHaveCount(0);
  await named(page, 'plate').click();
  await expect(named(page, 'other')).toContainText('20 %');
  await named(page, 'other').click();
  await expect(named(page, 'typed')).toContainText('12C12346');
  await expect(named(page, 'other')).toContainText('12C-1234');
  await expect(named(page, 'key-⌫')).toBeInViewport({ ratio: 1 });
  await named(page, 'done').click();
  await expect.poll(() => lane.acts.map((act) => act.act)).toEqual([{ do: 'correct_plate', camera: 'front', plate: '12C12346' }]);
});

// Everything a person can do besides the everyday acts, in Vietnamese, at both sizes: confirm, undo, close, reset, modes, group and emergency
// openings, second consent; and what the screen says when an act is refused, is not answered, or the link is lost.
import type { Page } from '@playwright/test';
import type { ActOutcome, LaneView, Mode, Session } from '../../ui/src/kit/wire';
import { expect, expectGlassRules, logIn, named, openLane, pressAndHold, SIZES, test } from './lane';
import type { MockLane } from './mock-lane';
import { check, frame, scenes, SECOND, vehicle, view } from './views';

const LAN: Session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
const MINH: Session = { ...LAN, id: 'giamsat.minh', role: 'supervisor' };
const did = (lane: MockLane) => lane.acts.map((act) => act.act);
/** The same button again at once would be a tremor, not a second press. */
const calm = (page: Page) => page.waitForTimeout(400);
/** A held vehicle that customs has not confirmed. */
const unconfirmed = () =>
  vehicle('hold', [check('confirmations', 'unknown', 'hold', { about: 'agencies', missing: ['customs'], holding: [], refused: [] })]);

for (const size of SIZES) {
  test.describe(`${size.width} x ${size.height}`, () => {
    test.beforeEach(async ({ page, lane }) => {
      await page.setViewportSize(size);
      lane.session = LAN;
    });

    test('confirming as one agency: pending until the view has it, then done', async ({ page, lane }) => {
      lane.change({ at_boom: unconfirmed() });
      await openLane(page, lane);
      await named(page, 'confirm').click();
      await expect.poll(() => did(lane)).toEqual([{ do: 'confirm' }]);
      await expect(named(page, 'confirm')).toHaveAttribute('aria-busy', 'true');
      lane.change({ stamp: 18, at_boom: vehicle('pass') });
      await expect(named(page, 'notice')).toContainText('Đã xong');
      await expect(named(page, 'confirm')).toBeDisabled();
    });

    test('who is of another agency cannot confirm, and who is not logged in is asked who they are', async ({ page, lane }) => {
      await openLane(page, lane);
      await expect(named(page, 'confirm')).toBeDisabled();
      lane.session = null;
      lane.change({ at_boom: unconfirmed() });
      await openLane(page, lane);
      await named(page, 'confirm').click();
      await logIn(page, 'lan.nguyen');
      await expect.poll(() => did(lane)).toEqual([{ do: 'confirm' }]);
    });

    test('a decision is undone in one touch where it was made', async ({ page, lane }) => {
      lane.onAct = (act) => {
        const standing = lane.frame.view.at_boom!;
        if (act.act.do === 'refuse') lane.change({ stamp: 18, sign: 'turn_back', at_boom: { ...standing, decided_by: 'lan.nguyen' } });
        if (act.act.do === 'release') lane.change({ stamp: 19, at_boom: { ...standing, decided_by: null } });
      };
      await openLane(page, lane);
      await named(page, 'refuse').click();
      await named(page, 'reason-documents_checked').click();
      await expect(named(page, 'checks')).toContainText('Quyết định của lan.nguyen');
      await expectGlassRules(page);
      await expect(named(page, 'release')).toContainText('Bỏ quyết định');
      await named(page, 'release').click();
      await expect.poll(() => did(lane).at(-1)).toEqual({ do: 'release' });
      await expect(named(page, 'notice')).toContainText('Đã xong');
      await expect(named(page, 'hold')).toBeVisible();
    });

    test('an open boom is closed with a held press, and the word is Đóng only where there is something to close', async ({ page, lane }) => {
      await openLane(page, lane);
      await expect(named(page, 'close-boom')).toBeDisabled();
      lane.show(frame(view({ phase: 'faulted', boom: 'up', faults: [{ fault: 'boom_open_at_start', severity: 'block', age_ms: 4_000 }] })));
      await expect(named(page, 'close-boom')).toBeEnabled();
      await pressAndHold(page, named(page, 'close-boom'), 300);
      expect(lane.acts).toHaveLength(0);
      await calm(page);
      await pressAndHold(page, named(page, 'close-boom'));
      await expect.poll(() => did(lane)).toEqual([{ do: 'close_boom' }]);
      await expect(named(page, 'close-boom')).toHaveAttribute('aria-busy', 'true');
      lane.change({ boom: 'falling' });
      await expect(named(page, 'notice')).toContainText('Đã xong');
      await expect(named(page, 'map')).toContainText('đang hạ');
    });

    test('a latched Stop is reset with a held press', async ({ page, lane }) => {
      const stopped: Partial<LaneView> = { phase: 'faulted', stop_latched: true, faults: [{ fault: 'stop_latched', severity: 'block', age_ms: 900 }] };
      lane.show(frame(view(stopped)));
      await openLane(page, lane);
      await expect(named(page, 'stop')).toContainText('đã dừng');
      await expect(page.locator('[data-fault="stop_latched"]')).toContainText('Hết nguy hiểm: Đặt lại');
      await pressAndHold(page, named(page, 'reset-faults'));
      await expect.poll(() => did(lane)).toEqual([{ do: 'reset_faults' }]);
      lane.show(frame(view()));
      await expect(named(page, 'notice')).toContainText('Đã xong');
      await expect(named(page, 'reset-faults')).toBeDisabled();
    });

    const MODES: [Mode, string][] = [
      ['attended', 'Có người trực'], ['closed', 'Làn đóng'], ['held_open', 'Giữ mở'], ['maintenance', 'Bảo trì'], ['bring_up', 'Chạy thử'], ['automatic', 'Tự động'],
    ];
    test('every mode is chosen with a reason, and the header says which one stands', async ({ page, lane }) => {
      test.setTimeout(60_000);
      lane.session = MINH;
      lane.onAct = (act) => {
        if (act.act.do === 'set_mode') lane.change({ mode: act.act.mode });
      };
      lane.show(frame(view()));
      await openLane(page, lane);
      for (const [mode, word] of MODES) {
        await calm(page);
        await named(page, 'more').click();
        await named(page, `mode-${mode}`).click();
        await expect(named(page, 'reasons')).toContainText(`${word}: Vì sao đổi chế độ?`);
        await named(page, 'reason-ordered').click();
        await expect.poll(() => did(lane).at(-1)).toEqual({ do: 'set_mode', mode, reason: { code: 'ordered', text: '' } });
        await expect(named(page, 'mode')).toContainText(word);
        await expect(named(page, 'notice')).toContainText('Đã xong');
        await expectGlassRules(page);
      }
    });

    test('a group opening asks for the number and the reason, and is done when the boom moves', async ({ page, lane }) => {
      await openLane(page, lane);
      await named(page, 'more').click();
      await named(page, 'group').click();
      await expectGlassRules(page);
      await named(page, 'group-5').click();
      await expect(named(page, 'reasons')).toContainText('Vì sao mở cho nhiều xe?');
      await named(page, 'reason-ordered').click();
      await expect.poll(() => did(lane)).toEqual([{ do: 'open_group', count: 5, reason: { code: 'ordered', text: '' } }]);
      await expect(named(page, 'notice')).toContainText('chờ thiết bị');
      lane.change({ phase: 'opening', boom: 'rising', permit: { permit: { kind: 'group', count: 5 }, left_ms: 60_000, entered: false } });
      await expect(named(page, 'notice')).toContainText('Đã xong');
      await expect(named(page, 'open')).toBeDisabled();
    });

    test('an emergency opening is held, reasoned in own words, and needs no vehicle', async ({ page, lane }) => {
      lane.show(frame(view()));
      await openLane(page, lane);
      await named(page, 'more').click();
      await pressAndHold(page, named(page, 'emergency'), 300);
      await expect(named(page, 'reasons')).toHaveCount(0);
      await calm(page);
      await pressAndHold(page, named(page, 'emergency'));
      await expect(named(page, 'reasons')).toContainText('Vì sao mở khẩn cấp?');
      await named(page, 'reason-other').click();
      await expect(named(page, 'done')).toBeDisabled();
      for (const key of 'XE 120') await named(page, key === ' ' ? 'key-␣' : `key-${key}`).click();
      await named(page, 'done').click();
      await expect.poll(() => did(lane)).toEqual([{ do: 'open_emergency', reason: { code: 'other', text: 'XE 120' } }]);
      lane.change({ phase: 'opening', boom: 'up', permit: { permit: { kind: 'emergency' }, left_ms: 60_000, entered: false } });
      await expect(named(page, 'notice')).toContainText('Đã xong');
    });

    test('a second consent says who asks for what and for how long, and takes another supervisor', async ({ page, lane }) => {
      lane.officers!.push({ id: 'giamsat.hoa', agency: 'border_guard', role: 'supervisor', locked_s: null });
      lane.change({ waiting_second: { ...SECOND, by: { id: 'giamsat.minh', agency: 'customs', role: 'supervisor' } } });
      await openLane(page, lane);
      const asked = named(page, 'waiting-second');
      await expect(asked).toContainText('giamsat.minh (Hải quan) xin: mở barie');
      await expect(asked).toContainText('Cơ quan đã xác nhận ngoài hệ thống');
      await expect(asked).toContainText(/còn 0:[45]\d/);
      await pressAndHold(page, named(page, 'second'));
      await expect(named(page, 'login-giamsat.hoa')).toBeVisible();
      await expect(named(page, 'login-giamsat.minh')).toHaveCount(0);
      await expect(named(page, 'login-lan.nguyen')).toHaveCount(0);
      await logIn(page, 'giamsat.hoa');
      await expect.poll(() => did(lane)).toEqual([{ do: 'second_consent', to: 'act-0001' }]);
      lane.change({ waiting_second: null, phase: 'opening', boom: 'rising', permit: { permit: { kind: 'passage' }, left_ms: 9_000, entered: false } });
      await expect(named(page, 'notice')).toContainText('Đã xong');
    });

    test('a second person who does not come is said, and nothing happened', async ({ page, lane }) => {
      lane.change({ waiting_second: { ...SECOND, left_ms: 700 } });
      await openLane(page, lane);
      await expect(named(page, 'waiting-second')).toBeVisible();
      lane.change({ waiting_second: null });
      await expect(named(page, 'notice')).toContainText('Hết giờ chờ người thứ hai: không có gì xảy ra');
    });

    const REFUSED: [ActOutcome, string][] = [
      ['passage_changed', 'Xe hoặc dữ liệu đã đổi'], ['not_allowed', 'Tài khoản này không có quyền'], ['wrong_mode', 'Chế độ làn hiện nay không cho phép'],
      ['no_store', 'dùng nút của chính barie'], ['faulted', 'Đang có lỗi chặn'], ['needs_second', 'Cần người thứ hai đồng ý'], ['busy', 'Đang có chuyển động'],
    ];
    test('a refused act says why, nothing stays pending, and it can be pressed again', async ({ page, lane }) => {
      test.setTimeout(60_000);
      await openLane(page, lane);
      for (const [outcome, words] of REFUSED) {
        lane.outcome = outcome;
        await calm(page);
        await pressAndHold(page, named(page, 'open'));
        await named(page, 'reason-ordered').click();
        await expect(named(page, 'notice')).toContainText(words);
        await expect(named(page, 'open')).toHaveAttribute('aria-busy', 'false');
        await expect(named(page, 'open')).toBeEnabled();
      }
      expect(new Set(lane.acts.map((act) => act.id)).size, 'each press has its own id').toBe(REFUSED.length);
    });

    test('the daemon had no answer from the lane, is busy, or the session ended: each in words', async ({ page, lane }) => {
      await openLane(page, lane);
      for (const [status, word, words] of [[504, 'no_answer', 'Không rõ làn đã nhận chưa'], [503, 'busy', 'vi: busy'], [401, 'login_needed', 'Phiên đã hết']] as const) {
        lane.refusal = [status, word];
        await calm(page);
        await named(page, 'hold').click();
        await named(page, 'reason-ordered').click();
        await expect(named(page, 'notice')).toContainText(words);
      }
      await expect(named(page, 'duty')).toContainText('Chưa ai đăng nhập');
    });

    test('the link to the centre is lost while the lane works: since when, how much waits, and acts still go', async ({ page, lane }) => {
      lane.show(scenes.offline());
      await openLane(page, lane);
      await expect(named(page, 'link')).toContainText('MẤT KẾT NỐI từ 2\u202fgiờ');
      await expect(named(page, 'link')).toContainText('412 bản ghi chờ gửi');
      await expect(named(page, 'knowledge')).toContainText('2\u202fgiờ trước');
      await named(page, 'hold').click();
      await named(page, 'reason-ordered').click();
      await expect.poll(() => did(lane)).toEqual([{ do: 'hold', reason: { code: 'ordered', text: '' } }]);
    });

    test('the page loses the lane while an act is pending: grey, nothing claimed, and it comes back by itself', async ({ page, lane }) => {
      test.setTimeout(40_000);
      await openLane(page, lane);
      await named(page, 'hold').click();
      await named(page, 'reason-ordered').click();
      await expect(named(page, 'hold')).toHaveAttribute('aria-busy', 'true');
      lane.turning = false;
      await expect(page.locator('main')).toHaveAttribute('data-liveness', 'stale', { timeout: 3_500 });
      await expect(page.getByRole('alert')).toContainText('Đừng tin số trên màn hình');
      await expect(named(page, 'notice')).not.toContainText('Đã xong');
      lane.turning = true;
      lane.change({ stamp: 18, at_boom: vehicle('hold', [], { decided_by: 'lan.nguyen' }) });
      await expect(page.locator('main')).toHaveAttribute('data-liveness', 'live', { timeout: 3_000 });
      await expect(named(page, 'notice')).toContainText('Đã xong');
    });
  });
}

test('the login pad lists who may work here, the last one first; nobody is a state of its own', async ({ page, lane }) => {
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await expect(named(page, 'login-lan.nguyen')).toContainText('Hải quan · cán bộ');
  await expect(named(page, 'login-kithuat.son')).toContainText('kỹ thuật');
  await expect(named(page, 'key-1')).toBeDisabled();
  await logIn(page, 'lan.nguyen');
  await named(page, 'cancel').click();
  lane.session = null;
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await expect(named(page, 'login-id')).toContainText('lan.nguyen');
  await expect(named(page, 'login').locator('[data-name^="login-"]').first()).toHaveAttribute('data-name', 'login-lan.nguyen');
  await named(page, 'cancel').click();
  lane.officers = [];
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await expect(named(page, 'no-officers')).toContainText('borderlane officer add');
  await named(page, 'cancel').click();
  lane.officers = null;
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await expect(named(page, 'no-list')).toContainText('gõ tên đăng nhập');
  await logIn(page, 'lan.nguyen');
  await expect(named(page, 'reasons')).toBeVisible();
});

test('many officers are turned page by page', async ({ page, lane }) => {
  lane.officers = Array.from({ length: 19 }, (_, n) => ({ id: `canbo.${String(n).padStart(2, '0')}`, agency: 'customs', role: 'officer' as const, locked_s: null }));
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await expect(named(page, 'login-canbo.07')).toBeVisible();
  await expect(named(page, 'login-canbo.08')).toHaveCount(0);
  await expectGlassRules(page);
  await named(page, 'more-rows').click();
  await expect(named(page, 'login-canbo.08')).toBeVisible();
  await calm(page);
  await named(page, 'more-rows').click();
  await expect(named(page, 'login-canbo.18')).toBeVisible();
});

test('a locked login says for how long, takes no digit, and another person can still log in', async ({ page, lane }) => {
  lane.locked = { 'lan.nguyen': 287 };
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await logIn(page, 'lan.nguyen');
  await expect(page.getByRole('alert')).toContainText(/Đã khóa, thử lại sau 4:[34]\d/);
  await expect(named(page, 'login-lan.nguyen')).toContainText('Đã khóa');
  await expect(named(page, 'key-1')).toBeDisabled();
  await expect(page.getByRole('alert')).toContainText(/4:(3\d|4[0-5])/, { timeout: 5_000 });
  await logIn(page, 'bien.tran');
  await expect(named(page, 'duty')).toContainText('bien.tran');
});

test('a lock that ends lets the PIN be tried again', async ({ page, lane }) => {
  lane.officers = [{ id: 'lan.nguyen', agency: 'customs', role: 'officer', locked_s: 2 }];
  await openLane(page, lane);
  await named(page, 'refuse').click();
  await named(page, 'login-lan.nguyen').click();
  await expect(named(page, 'key-1')).toBeDisabled();
  await expect(named(page, 'key-1')).toBeEnabled({ timeout: 4_000 });
});

test('candidates are told apart by plate, goods, channel and age, with the picture in sight', async ({ page, lane }) => {
  lane.session = LAN;
  lane.show(scenes.choosing());
  await openLane(page, lane);
  await named(page, 'choose').click();
  // There is little room: the plate that was cut out of the front's picture, the whole of the rear's, which has no plate cut out.
  await expect(named(page, 'choose-reads').locator('[data-name="plate-crop"]')).toBeVisible();
  await expect(named(page, 'choose-reads').locator('img').last()).toBeVisible();
  const second = named(page, 'candidate-XK-2026-004712');
  for (const text of ['12C-123.45', '12R-056.78', 'Thanh long, 900 thùng', 'Luồng vàng', 'từ 26\u202fgiờ trước']) await expect(second).toContainText(text);
  await expect(named(page, 'candidate-XK-2026-004719')).toContainText('không rơ moóc');
});

test('Chinese, after one touch, and it is remembered', async ({ page, lane }) => {
  await openLane(page, lane);
  await named(page, 'more').click();
  await named(page, 'language-zh').click();
  await named(page, 'cancel').click();
  await expect(named(page, 'checks')).toContainText('缺少 植物检疫 的确认');
  await openLane(page, lane);
  await expect(named(page, 'phase')).toContainText('车辆等待');
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh');
});

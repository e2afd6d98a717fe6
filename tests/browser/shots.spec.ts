// Pictures of the screens for people to look at: `BORDERLANE_SHOTS=folder npx playwright test shots`.
import { named, openLane, pressAndHold, SIZES, test } from './lane';
import { scenes } from './views';

/** `BORDERLANE_LOOKS=night-vi,sun-zh`: themes and languages. */
const LOOKS = (process.env['BORDERLANE_LOOKS'] ?? 'sun-vi,night-vi,sun-en,sun-zh').split(',').map((look) => look.split('-') as [string, string]);
const folder = process.env['BORDERLANE_SHOTS'];

test.describe('pictures', () => {
  test.skip(folder === undefined, 'BORDERLANE_SHOTS names no folder');
  test.setTimeout(180_000);
  for (const size of SIZES) {
    test(`of every scene at ${size.width} x ${size.height}`, async ({ page, lane }) => {
      await page.setViewportSize(size);
      const save = (name: string) => page.screenshot({ path: `${folder}/${size.width}-${name}.png` });
      const officer = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 } as const;
      const as = async (theme: string, language: string) => {
        await page.goto(lane.url);
        await page.evaluate(([t, l]) => {
          localStorage.setItem('borderlane.theme', t!);
          localStorage.setItem('borderlane.language', l!);
          localStorage.setItem('borderlane.logins', 'lan.nguyen giamsat.minh');
        }, [theme, language]);
      };
      for (const [theme, language] of LOOKS) {
        await as(theme, language);
        for (const [name, scene] of Object.entries(scenes)) {
          lane.show(scene());
          await openLane(page, lane);
          await page.waitForTimeout(200);
          await save(`${name}-${theme}-${language}`);
        }
        lane.show(scenes.choosing());
        lane.session = officer;
        await openLane(page, lane);
        const sheet = async (name: string, ...touches: string[]) => {
          for (const touch of touches) await named(page, touch).click();
          await page.waitForTimeout(200);
          await save(`sheet-${name}-${theme}-${language}`);
          await named(page, 'cancel').click();
          await page.waitForTimeout(400);
        };
        await sheet('checks', 'all-checks');
        await sheet('choose', 'choose');
        await sheet('pictures', 'all-pictures');
        await sheet('plate', 'plate');
        await sheet('more', 'more');
        await sheet('cameras', 'more', 'cameras');
        await sheet('axles', 'more', 'axles');
        await sheet('group', 'more', 'group');
        await sheet('reason', 'refuse');
        await sheet('words', 'refuse', 'reason-other');
        lane.session = null;
        await openLane(page, lane);
        await sheet('login', 'refuse');
        lane.locked = { 'lan.nguyen': 287 };
        await named(page, 'refuse').click();
        for (const digit of '135790') await named(page, `key-${digit}`).click();
        await sheet('locked');
        lane.locked = {};
        const officers = lane.officers;
        lane.officers = [];
        await openLane(page, lane);
        await sheet('nobody', 'refuse');
        lane.officers = officers;
        lane.show(scenes.second());
        await openLane(page, lane);
        await pressAndHold(page, named(page, 'second'));
        await sheet('supervisor');
      }
      await page.goto(`${lane.url}/driver.html`);
      for (const sign of ['go', 'wait_confirmation', 'turn_back'] as const) {
        lane.change({ sign });
        await page.waitForTimeout(1_200);
        await save(`driver-${sign}`);
      }
      lane.show(scenes.held());
      await as('night', 'vi');
      await openLane(page, lane);
      lane.turning = false;
      await page.waitForTimeout(3_200);
      await save('stale');
    });
  }
});

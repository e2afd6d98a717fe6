// Pictures of the screens for people to look at: `BORDERLANE_SHOTS=folder npx playwright test shots`.
import { named, openLane, pressAndHold, SIZES, test } from './lane';
import { scenes } from './views';

const folder = process.env['BORDERLANE_SHOTS'];

test.describe('pictures', () => {
  test.skip(folder === undefined, 'BORDERLANE_SHOTS names no folder');
  test.setTimeout(180_000);
  for (const size of SIZES) {
    test(`of every scene at ${size.width} x ${size.height}`, async ({ page, lane }) => {
      await page.setViewportSize(size);
      const save = (name: string) => page.screenshot({ path: `${folder}/${size.width}-${name}.png` });
      for (const theme of ['sun', 'night']) {
        for (const language of ['vi', 'en']) {
          await page.addInitScript(([t, l]) => { localStorage.setItem('borderlane.theme', t!); localStorage.setItem('borderlane.language', l!); localStorage.setItem('borderlane.logins', 'lan.nguyen giamsat.minh'); }, [theme, language]);
          for (const [name, scene] of Object.entries(scenes)) {
            lane.show(scene());
            await openLane(page, lane);
            await page.waitForTimeout(300);
            await save(`${name}-${theme}-${language}`);
          }
        }
      }
      await page.addInitScript(() => { localStorage.setItem('borderlane.theme', 'sun'); localStorage.setItem('borderlane.language', 'vi'); });
      lane.show(scenes.held());
      await openLane(page, lane);
      await named(page, 'all-checks').click();
      await save('sheet-checks');
      await named(page, 'cancel').click();
      await named(page, 'plate').click();
      await save('sheet-plate');
      await named(page, 'cancel').click();
      await named(page, 'more').click();
      await save('sheet-more');
      await named(page, 'cancel').click();
      await pressAndHold(page, named(page, 'open'));
      await save('sheet-login');
      lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
      await openLane(page, lane);
      await pressAndHold(page, named(page, 'open'));
      await save('sheet-reason');
      await named(page, 'reason-other').click();
      await save('sheet-words');
      await named(page, 'cancel').click();
      lane.turning = false;
      await page.waitForTimeout(3_200);
      await save('stale');
    });
  }
});

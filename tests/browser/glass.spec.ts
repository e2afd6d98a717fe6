// The rules of the glass, at both sizes: no scrolling, targets of 80 px 16 px apart, nothing cut, contrast, accessibility.
import AxeBuilder from '@axe-core/playwright';
import { expect, expectGlassRules, expectNothingCut, named, openLane, pressAndHold, SIZES, test } from './lane';
import type { Fault } from '../../ui/src/kit/wire';
import { en, vi, zh } from '../../ui/src/kit/words';
import { frame, scenes, view } from './views';

for (const size of SIZES) {
  for (const language of ['vi', 'en', 'zh']) {
    test(`${size.width} x ${size.height}, ${language}: every scene fits`, async ({ page, lane }) => {
      test.setTimeout(60_000);
      await page.setViewportSize(size);
      await page.addInitScript((code) => localStorage.setItem('borderlane.language', code), language);
      for (const scene of Object.values(scenes)) {
        lane.show(scene());
        await openLane(page, lane);
        await expectGlassRules(page);
        await expectNothingCut(page);
      }
    });
  }

  test(`${size.width} x ${size.height}: every sheet fits, and Stop stays the largest target`, async ({ page, lane }) => {
    test.setTimeout(90_000);
    await page.setViewportSize(size);
    lane.session = { id: 'lan.nguyen', agency: 'customs', role: 'officer', idle_left_ms: 300_000 };
    lane.show(scenes.choosing());
    await openLane(page, lane);
    const openers: (() => Promise<void>)[] = [
      () => named(page, 'more').click(),
      () => named(page, 'plate').click(),
      () => named(page, 'choose').click(),
      () => named(page, 'all-checks').click(),
      () => named(page, 'all-pictures').click(),
      () => named(page, 'refuse').click(),
      async () => { await named(page, 'refuse').click(); await named(page, 'reason-other').click(); },
      async () => { await named(page, 'more').click(); await named(page, 'axles').click(); },
      async () => { await named(page, 'more').click(); await named(page, 'group').click(); },
    ];
    for (const open of openers) {
      await open();
      await expectGlassRules(page);
      await expectNothingCut(page);
      const areas = await page.locator('button:visible:not([data-name^="all-"])').evaluateAll((buttons) =>
        buttons.map((button) => [button.getAttribute('data-name'), (button as HTMLElement).offsetWidth * (button as HTMLElement).offsetHeight] as const),
      );
      expect([...areas].sort((a, b) => b[1] - a[1])[0]![0]).toBe('stop');
      await named(page, 'cancel').click();
      await page.waitForTimeout(400); // the same button again at once would be a tremor
    }
    lane.session = null;
    await openLane(page, lane);
    await pressAndHold(page, named(page, 'open'));
    await expect(named(page, 'login-lan.nguyen')).toBeVisible();
    await expectGlassRules(page);
    await expectNothingCut(page);
  });
}

for (const [language, words] of [['vi', vi], ['en', en], ['zh', zh]] as const) {
  test(`${language}: no fault and no act against it is cut, also beside "more"`, async ({ page, lane }) => {
    test.setTimeout(60_000);
    await page.setViewportSize(SIZES[0]);
    await page.addInitScript((code) => localStorage.setItem('borderlane.language', code), language);
    await openLane(page, lane);
    const all = Object.keys(words.fault) as Fault[];
    const cut: (string | null)[] = [];
    for (let first = 0; first < all.length; first += 3) {
      // Four at a time: three are shown, beside "one more".
      const four = [...all, ...all].slice(first, first + 4).map((fault) => ({ fault, severity: 'attend' as const, age_ms: 754_000 }));
      lane.show(frame(view({ faults: four })));
      await expect(page.locator(`[data-fault="${four[0]!.fault}"]`)).toBeVisible();
      cut.push(...(await page.locator('[data-fault] .cut').evaluateAll((texts) => texts.filter((text) => text.scrollWidth > text.clientWidth).map((text) => text.textContent))));
    }
    expect(cut).toEqual([]);
  });
}

for (const theme of ['sun', 'night']) {
  test(`${theme}: contrast of 7 : 1 and no serious accessibility violation`, async ({ page, lane }) => {
    await page.addInitScript((name) => localStorage.setItem('borderlane.theme', name), theme);
    for (const scene of [scenes.idle, scenes.held, scenes.worst, scenes.choosing]) {
      lane.show(scene());
      await openLane(page, lane);
      await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
      const result = await new AxeBuilder({ page }).options({ rules: { 'color-contrast-enhanced': { enabled: true } } }).exclude(':disabled').analyze();
      const serious = result.violations.filter((violation) => violation.impact === 'serious' || violation.impact === 'critical');
      expect(serious.map((violation) => [violation.id, ...violation.nodes.map((node) => `${node.target} ${node.failureSummary ?? ''}`)])).toEqual([]);
    }
  });
}

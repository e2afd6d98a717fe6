// `borderlane plates --label` in the browser: two photos labelled by hand, one plate added and one photo without any, the sheet looked at.
// BORDERLANE_VISION names the program; BORDERLANE_SHOTS a folder for pictures to look at.
import { expect, test, type Page } from '@playwright/test';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const program = process.env['BORDERLANE_VISION'];
const shots = process.env['BORDERLANE_SHOTS'];
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const rendered = path.join(root, 'vision/tests/data');

test.describe('labelling', () => {
  test.skip(program === undefined, 'BORDERLANE_VISION names no program');
  let folder: string;
  let child: ChildProcess;
  let said = '';

  async function start(): Promise<string> {
    said = '';
    child = spawn(program!, ['plates', '--models', path.join(root, 'models'), '--label', folder]);
    child.stdout!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await expect.poll(() => said, { timeout: 20_000 }).toMatch(/http:\S+/);
    return /http:\S+/.exec(said)![0];
  }
  const ended = (): Promise<number | null> => new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(child.exitCode)));
  const rows = (): string[] => readFileSync(path.join(folder, 'labels.csv'), 'utf8').trim().split('\n').slice(1);
  const text = (page: Page) => page.locator('#text');
  async function shot(page: Page, name: string): Promise<void> {
    if (shots !== undefined) await page.screenshot({ path: path.join(shots, `label-${name}.png`) });
  }

  test.beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'label-'));
    copyFileSync(path.join(rendered, 'vn_one_line_12C34567.jpg'), path.join(folder, 'a gate, 1.jpg'));
    const cut = readFileSync(path.join(rendered, 'vn_one_line_12C34567.jpg'));
    writeFileSync(path.join(folder, 'b-cut.jpg'), cut.subarray(0, cut.length / 2));
    copyFileSync(path.join(rendered, 'vn_trailer_98R01285.jpg'), path.join(folder, 'c.jpg'));
    copyFileSync(path.join(rendered, 'cn_one_line_F12A86.jpg'), path.join(folder, 'd.jpg'));
  });
  test.afterEach(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });

  for (const [width, height] of [[1280, 800], [1024, 600]] as const) {
    test.describe(`${width} x ${height}`, () => {
      test.use({ viewport: { width, height }, locale: 'vi-VN' });

      test('photos are labelled by keyboard and pointer, and the sheet holds what was said', async ({ page }) => {
        await page.goto(await start());
        await expect(page.locator('#progress')).toHaveText('0/4');
        await expect(text(page)).toHaveValue('12C34567');
        await expect(page.locator('html')).toHaveAttribute('lang', 'vi');
        await expect(page.locator('#acts')).toContainText('Bỏ qua');
        await shot(page, `proposal-${width}`);
        expect(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth)).toBe(true);
        const cut = page.locator('button, #which, #classes, #text');
        for (const box of await Promise.all((await cut.all()).filter(Boolean).map((one) => one.boundingBox()))) {
          if (box) expect(box.y + box.height).toBeLessThanOrEqual(height);
        }

        // corrected by typing, the ground by key, a corner by the keyboard
        await text(page).fill('12c-345.68');
        await page.keyboard.press('Alt+c');
        await expect(page.locator('#colour')).toHaveValue('yellow');
        await page.keyboard.press('Alt+1');
        await page.keyboard.press('Alt+Shift+ArrowLeft');
        await page.keyboard.press('Enter');
        await expect(page.locator('#progress')).toHaveText('1/4');
        expect(rows()).toHaveLength(1);
        expect(rows()[0]).toMatch(/^"a gate, 1.jpg",12C34568,\d+,\d+,\d+,\d+,truck,1,yellow,,,yes,\d+\.\d,/);

        // what cannot be read is told and passed over
        await expect(page.locator('#message')).toContainText('không đọc được ảnh: is cut short');
        await shot(page, `unreadable-${width}`);
        await page.keyboard.press('Enter');

        // a trailer, then a second plate drawn by hand, its corner dragged
        await expect(text(page)).toHaveValue('98R01285');
        await expect(page.locator('#kind')).toHaveValue('trailer');
        await expect(page.locator('#lines')).toHaveValue('2');
        const photo = (await page.locator('#photo').boundingBox())!;
        await page.keyboard.press('Alt+a');
        await page.mouse.move(photo.x + photo.width * 0.7, photo.y + photo.height * 0.6);
        await page.mouse.down();
        await page.mouse.move(photo.x + photo.width * 0.8, photo.y + photo.height * 0.65, { steps: 4 });
        await page.mouse.up();
        await expect(page.locator('#which')).toContainText('biển 2 trên 2');
        await page.mouse.move(photo.x + photo.width * 0.8, photo.y + photo.height * 0.65);
        await page.mouse.down();
        await page.mouse.move(photo.x + photo.width * 0.85, photo.y + photo.height * 0.7, { steps: 4 });
        await page.mouse.up();
        await text(page).pressSequentially('29a12345');
        await shot(page, `two-plates-${width}`);
        await page.keyboard.press('Enter');
        await expect(page.locator('#which')).toContainText('biển 1 trên 2');
        expect(rows(), 'one plate of two is no answer yet').toHaveLength(1);
        await page.keyboard.press('Enter');
        await expect(page.locator('#progress')).toHaveText('2/4');
        expect(rows().map((row) => row.split(',').slice(-20, -12).join(','))).toHaveLength(3);
        expect(rows()[1]).toMatch(/^c\.jpg,98R01285,/);
        expect(rows()[2]).toMatch(/^c\.jpg,29A12345,/);
        const drawn = rows()[2]!.split(',').slice(12).map(Number);
        expect(drawn[4]! - drawn[2]!, 'the third corner was dragged to the right of the second').toBeGreaterThan(10);

        // no plate in the last one; back to it, undo included, and the Chinese characters
        await expect(page.locator('#file')).toHaveText('d.jpg');
        await page.keyboard.press('Escape');
        await page.keyboard.press('x');
        await expect(page.locator('#progress')).toHaveText('3/4');
        expect(rows()[3]).toBe('d.jpg,,,,,,,,,,,,,,,,,,,');
        await expect(page.locator('#message')).toContainText('Đó là ảnh cuối');
        await shot(page, `last-${width}`);
        await page.keyboard.press('b');
        await expect(page.locator('#saved')).toHaveText('đã ghi nhãn');
        await page.keyboard.press('b');
        await expect(text(page)).toHaveValue('98R01285');
        await text(page).fill('98R0128');
        await page.keyboard.press('Alt+u');
        await expect(text(page)).toHaveValue('98R01285');
        await page.keyboard.press('Alt+p');
        await shot(page, `characters-${width}`);
        await page.locator('#chars button', { hasText: '桂' }).click();
        await expect(text(page)).toHaveValue(/桂/);

        await page.locator('#end').click();
        await expect(page.locator('#message')).toContainText('Đã kết thúc');
        expect(await ended(), 'a photo could not be read').toBe(1);
        expect(said).toContain('b-cut.jpg: is cut short');
        expect(said).toContain('3 of 4 photos are labelled');
        expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
      });
    });
  }

  test.describe('in English', () => {
    test.use({ locale: 'en-GB' });
    test('it can be left and gone on with, and a program that ended is told', async ({ page }) => {
      await page.goto(await start());
      await expect(text(page)).toHaveValue('12C34567');
      await page.keyboard.press('Enter');
      await expect(page.locator('#progress')).toHaveText('1/4');
      child.kill('SIGKILL');
      await ended();
      await page.keyboard.press('Enter');
      await expect(page.locator('#message')).toContainText('the program has ended');
      const again = await start();
      expect(said).toContain('1 of 4 photos are labelled');
      await page.goto(again);
      await expect(page.locator('#progress')).toHaveText('1/4');
      await expect(page.locator('#file')).toHaveText('b-cut.jpg');
      expect(existsSync(path.join(folder, 'labels.csv'))).toBe(true);
    });

    test('nothing but the page itself gets in', async ({ page, request }) => {
      const url = await start();
      expect((await request.get(url)).status()).toBe(200);
      expect((await request.get(new URL('/', url).href)).status()).toBe(404);
      expect((await request.get(new URL('/photos', url).href)).status()).toBe(404);
      for (const within of ['photo/99', 'photo/-1', 'photo/..%2f..%2fetc%2fpasswd', '../../etc/passwd', 'picture/1/../../x']) {
        expect((await request.get(`${url}${within}`)).status(), within).toBe(404);
      }
      expect((await request.post(`${url}photo/0`, { data: { plates: [] }, headers: { origin: 'http://evil.example' } })).status()).toBe(403);
      expect((await request.get(`${url}photos`, { headers: { host: 'evil.example' } })).status()).toBe(403);
      expect((await request.post(`${url}photo/0`, { data: { plates: [{ text: '12C' }] } })).status()).toBe(400);
      expect((await request.post(`${url}photo/0`, { data: 'x'.repeat(70_000) })).status()).toBe(400);
      expect(rows()).toEqual([]);
      // a second program on the same folder is refused
      const second = spawn(program!, ['plates', '--models', path.join(root, 'models'), '--label', folder]);
      let told = '';
      second.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
      expect(await new Promise((done) => second.once('exit', done))).toBe(1);
      expect(told).toContain('another borderlane-vision labels this folder');
      await page.close();
    });
  });
});

// A grey PNG that looks a little like a plate, so that the page has a picture to show.
import { crc32, deflateSync } from 'node:zlib';

export function platePicture(width = 240, height = 90): Buffer {
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = x > 14 && x < width - 14 && y > 14 && y < height - 14;
      const stroke = inside && y > 26 && y < height - 26 && x % 26 > 12 && x > 24 && x < width - 24;
      rows[y * (width + 1) + 1 + x] = stroke ? 30 : inside ? 215 : 70 + ((x + y) % 20);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(8 + body.length);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), 4 + body.length);
  return out;
}

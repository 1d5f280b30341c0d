// Images as the encoder takes them: on white, the central square, resized, as numbers from 0 to 1.

/** The numbers of an image file: Float32Array, size x size x channels; the file's EXIF orientation is applied. */
export async function prepare(file, size, channels) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const side = Math.min(bitmap.width, bitmap.height);
  const left = Math.floor((bitmap.width - side) / 2);
  const top = Math.floor((bitmap.height - side) / 2);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, left, top, side, side, 0, 0, side, side);
  bitmap.close();
  const rgba = context.getImageData(0, 0, side, side).data;
  const planes = channels === 3 ? [0, 1, 2].map((channel) => plane(rgba, channel)) : [luma(rgba)];
  const weights = resizeWeights(side, size);
  const out = new Float32Array(size * size * channels);
  planes.forEach((values, channel) => {
    const resized = side === size ? values : resize(values, side, size, weights);
    for (let i = 0; i < size * size; i++) {
      out[i * channels + channel] = Math.min(1, Math.max(0, resized[i] / 255));
    }
  });
  return out;
}

function plane(rgba, channel) {
  return Float32Array.from({ length: rgba.length / 4 }, (_, i) => rgba[4 * i + channel]);
}

/** Gray as Pillow makes it of RGB: ITU-R 601-2, rounded to a byte. */
function luma(rgba) {
  return Float32Array.from({ length: rgba.length / 4 }, (_, i) => {
    const sum = rgba[4 * i] * 19595 + rgba[4 * i + 1] * 38470 + rgba[4 * i + 2] * 7471;
    return Math.floor((sum + 32768) / 65536);
  });
}

/** Keys' cubic with a = -0.5, which Pillow calls BICUBIC. */
function cubic(x) {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

/** For each output pixel the first input pixel it is made of, and the weights; wider than the cubic when shrinking. */
export function resizeWeights(from, to) {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - 2 * stretch + 0.5));
    const end = Math.min(from, Math.trunc(center + 2 * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) => cubic((first + k - center + 0.5) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Along the rows, then along the columns. */
function resize(values, from, to, weights) {
  const rows = new Float32Array(from * to);
  for (let y = 0; y < from; y++) {
    for (let x = 0; x < to; x++) {
      rows[y * to + x] = weighted(values, y * from + weights[x].first, 1, weights[x].weights);
    }
  }
  const out = new Float32Array(to * to);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      out[y * to + x] = weighted(rows, weights[y].first * to + x, to, weights[y].weights);
    }
  }
  return out;
}

function weighted(values, start, step, weights) {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k] * values[start + k * step];
  return sum;
}

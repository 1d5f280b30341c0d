// The .tflite file, run by LiteRT.js.

import { Tensor, isWebGPUSupported, loadAndCompile, loadLiteRt } from "@litertjs/core";
import { prepare } from "./image.js";

/** An encoder: `embed(file)` gives the embedding of an image file. */
export class Encoder {
  constructor(model, accelerator) {
    const [input] = model.getInputDetails();
    this.model = model;
    this.accelerator = accelerator;
    this.inputName = input.name;
    [, this.size, , this.channels] = Array.from(input.shape);
  }

  /** Float32Array (D,); rejects what the browser cannot decode. */
  async embed(file) {
    return this.run(await prepare(file, this.size, this.channels));
  }

  /** The same of numbers from 0 to 1: Float32Array, size x size x channels. */
  async run(numbers) {
    const input = new Tensor(numbers, [1, this.size, this.size, this.channels]);
    let outputs = {};
    try {
      outputs = await this.model.run({ [this.inputName]: input });
      return Float32Array.from(await outputs.embedding.data());
    } finally {
      for (const tensor of [input, ...Object.values(outputs)]) if (!tensor.deleted) tensor.delete();
    }
  }
}

/** Loads the encoder, on the graphics processor where the browser lets it and unless `accelerator` says "wasm". */
export async function loadEncoder(path, accelerator = undefined) {
  const graphics = accelerator ? accelerator === "webgpu" : await hasGraphics();
  await loadLiteRt("litert/wasm/", { jspi: graphics && "Suspending" in WebAssembly });
  if (graphics) {
    try {
      return new Encoder(await loadAndCompile(path, { accelerator: "webgpu" }), "webgpu");
    } catch (error) {
      console.warn("WebGPU cannot run this file, so WebAssembly does:", error);
    }
  }
  return new Encoder(await loadAndCompile(path, { accelerator: "wasm" }), "wasm");
}

async function hasGraphics() {
  return isWebGPUSupported() && Boolean(await navigator.gpu.requestAdapter());
}

/** The cosine of two embeddings: 1 for the same direction. */
export function cosine(a, b) {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return dot / Math.sqrt(Math.max(aa * bb, 1e-24));
}

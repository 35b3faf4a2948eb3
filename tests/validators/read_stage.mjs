// Read stages with three.js' USDLoader and print what arrived, as JSON.
//
// stdin: [{"stage": path, "width": px, "height": px, "points": [[x, y, z], ...]}, ...], points in metres, Y up.
// stdout: for each {"meshes": [...], "points_px": [[x, y], ...], "textures": [url, ...]}.

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

// Node has no pictures: one that loads at once and remembers what it was asked for.
const requested = [];
class Picture extends EventTarget {
  set src(url) {
    requested.push(url);
    queueMicrotask(() => this.dispatchEvent(new Event('load')));
  }
}
globalThis.document = { createElementNS: () => new Picture() };

const { Box3, Mesh, Vector3 } = await import('three');
const { USDLoader } = await import('three/addons/loaders/USDLoader.js');

async function read(job) {
  requested.length = 0;
  const file = readFileSync(job.stage);
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  const root = await new Promise((resolve, reject) =>
    new USDLoader().parse(buffer, `${dirname(job.stage)}/`, resolve, reject));
  root.updateMatrixWorld(true);
  const meshes = [];
  let camera = null;
  root.traverse((object) => {
    if (object instanceof Mesh) meshes.push(describe(object));
    if (object.isCamera) camera = object;
  });
  camera.aspect = job.width / job.height;
  camera.updateProjectionMatrix();
  const toPixels = (point) => {
    const { x, y } = new Vector3(...point).project(camera);
    return [(x + 1) / 2 * job.width, (1 - y) / 2 * job.height];
  };
  return { meshes, points_px: job.points.map(toPixels), textures: [...requested] };
}

function describe(mesh) {
  const box = new Box3().setFromObject(mesh, true);
  const materials = [mesh.material].flat();
  return {
    name: mesh.name,
    parent: mesh.parent.name,
    triangles: mesh.geometry.attributes.position.count / 3,
    low: box.min.toArray(),
    high: box.max.toArray(),
    materials: materials.map((material) => material.name),
    colours: materials.map((material) => material.map ? null : material.color.toArray()),
  };
}

const results = [];
for (const job of JSON.parse(readFileSync(0, 'utf8'))) results.push(await read(job));
console.log(JSON.stringify(results));

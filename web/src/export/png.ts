/** Export as PNG: the SVG file, drawn on a canvas at twice its size. */

const TWICE = 2;
/** With more pixels than this along a side or in total, browsers return an empty canvas. */
const SIDE = 16_000;
const AREA = 120_000_000;

/** The SVG document `svg` as a PNG file. Rejects if the browser cannot draw it. */
export async function png(svg: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml;charset=utf-8" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    const scale = Math.min(TWICE, SIDE / Math.max(width, height), Math.sqrt(AREA / (width * height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((file) => (file ? resolve(file) : reject(new Error("the canvas is empty"))), "image/png");
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

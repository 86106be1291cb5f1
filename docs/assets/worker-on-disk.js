// Browsers start no worker from a file: page. A hidden frame runs the search's script there instead, so that a site
// that was copied to a disk can be searched. Nothing is fetched from a network.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inner = frame.contentWindow;
      this.waiting = [];
      inner.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      };
      inner.importScripts = (...urls) =>
        urls.reduce(
          (before, src) =>
            before.then(
              () =>
                new Promise((done) => {
                  const script = inner.document.createElement("script");
                  Object.assign(script, { src: new URL(src, url).href, onload: done, onerror: done });
                  inner.document.body.append(script);
                }),
            ),
          Promise.resolve(),
        );
      this.post = (data) => inner.dispatchEvent(new inner.MessageEvent("message", { data }));
      const script = inner.document.createElement("script");
      script.onload = () => {
        this.ready = true;
        this.waiting.forEach(this.post);
      };
      script.src = url;
      inner.document.body.append(script);
    }
    postMessage(data) {
      if (this.ready) this.post(data);
      else this.waiting.push(data);
    }
    terminate() {}
  };
}

// Says so in its place when a part of a page could not be fetched, and asks to sign in again.
"use strict";

(() => {
  const SIGNED_OUT = 401;
  const LOCKED = 423;
  const TEXT = "This part could not be fetched. What it showed before may be old. Load the page again.";

  function placeOf(source) {
    const loading = source.querySelector(".loading");
    if (loading) return loading;
    const place = document.createElement("p");
    source.closest(".panel, form")?.append(place);
    return place;
  }

  function tell(event) {
    const { ctx } = event.detail;
    if (ctx?.response?.status === SIGNED_OUT) return location.reload();
    if (ctx?.response?.status === LOCKED) return document.dispatchEvent(new Event("itb:locked"));
    const source = ctx?.sourceElement ?? event.target;
    if (!(source instanceof Element) || source.closest(".panel, form")?.querySelector(".fetch-failed")) return;
    const place = placeOf(source);
    place.className = "fetch-failed";
    place.setAttribute("role", "alert");
    place.textContent = TEXT;
  }

  for (const name of ["htmx:response:error", "htmx:error"]) document.addEventListener(name, tell);
})();

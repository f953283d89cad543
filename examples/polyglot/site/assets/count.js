const place = document.body.appendChild(document.createElement("p"));
place.id = "count";
setInterval(async () => {
  place.textContent = (await (await fetch("/count")).json()).count;
}, 1000);

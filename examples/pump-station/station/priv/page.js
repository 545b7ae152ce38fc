const s = new EventSource('/events'); s.onmessage = e => document.getElementById('x').textContent = JSON.stringify(JSON.parse(e.data), null, 1);
document.getElementById('b').onclick = () => fetch('/part/controller/crash', {method: 'POST', headers: {'X-Station': '1'}});

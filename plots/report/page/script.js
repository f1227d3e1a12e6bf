// Tables sort at a click on a heading, within each group; the study can be copied.
// Nothing else needs this script. It holds no ampersand and no angle bracket.
document.querySelectorAll('table.sortable').forEach(function (table) {
  var heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach(function (th, column) {
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = th.textContent;
    var printed = document.createElement('span'); // buttons are not repeated atop pages
    printed.className = 'printed';
    printed.setAttribute('aria-hidden', 'true');
    printed.textContent = th.textContent;
    th.textContent = '';
    th.appendChild(button);
    th.appendChild(printed);
    button.addEventListener('click', function () {
      var down = th.getAttribute('aria-sort') === 'ascending';
      heads.forEach(function (other) { other.removeAttribute('aria-sort'); });
      th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      var sign = down ? -1 : 1;
      Array.from(table.tBodies).forEach(function (body) {
        var rows = Array.from(body.rows).filter(function (row) { return !row.classList.contains('group'); });
        var key = function (row) {
          var cell = row.cells[column];
          return cell.hasAttribute('data-sort') ? parseFloat(cell.getAttribute('data-sort')) : cell.textContent.trim();
        };
        rows.sort(function (a, b) {
          var x = key(a), y = key(b);
          var numbers = [typeof x, typeof y].filter(function (t) { return t === 'number'; }).length;
          if (numbers === 2) return sign * (x - y);
          if (numbers === 1) return typeof x === 'number' ? -1 : 1;
          return sign * x.localeCompare(y, 'en', { numeric: true });
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });
});
document.querySelectorAll('[data-copy]').forEach(function (place) {
  if (!navigator.clipboard) return;
  var button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', function () {
    navigator.clipboard.writeText(document.getElementById(place.getAttribute('data-copy')).textContent).then(function () {
      button.textContent = 'Copied';
    });
  });
  place.appendChild(button);
});
window.addEventListener('beforeprint', function () {
  document.querySelectorAll('details').forEach(function (details) { details.open = true; });
});

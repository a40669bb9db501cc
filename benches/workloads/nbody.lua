local sqrt, floor = math.sqrt, math.floor

local function body(x, y, z, vx, vy, vz, mass)
  return {x = x, y = y, z = z, vx = vx, vy = vy, vz = vz, mass = mass}
end

function run(n)
  local dt = 0.01
  local bodies = {
    body(0, 0, 0, 0, 0, 0, 39.47),
    body(4.84, -1.16, -0.10, 0.606, 2.81, -0.02, 0.037),
    body(8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011),
    body(12.89, -15.11, -0.22, 1.08, 0.868, -0.010, 0.0017),
    body(15.37, -25.9, 0.179, 0.979, 0.594, -0.034, 0.0020),
  }
  local count = #bodies

  for step = 1, n do
    for i = 1, count do
      local a = bodies[i]
      for j = i + 1, count do
        local b = bodies[j]
        local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
        local square = dx * dx + dy * dy + dz * dz
        local pull = dt / (square * sqrt(square))
        local near, far = b.mass * pull, a.mass * pull
        a.vx = a.vx - dx * near
        a.vy = a.vy - dy * near
        a.vz = a.vz - dz * near
        b.vx = b.vx + dx * far
        b.vy = b.vy + dy * far
        b.vz = b.vz + dz * far
      end
    end
    for i = 1, count do
      local a = bodies[i]
      a.x = a.x + dt * a.vx
      a.y = a.y + dt * a.vy
      a.z = a.z + dt * a.vz
    end
  end

  local check = 0.0
  for i = 1, count do
    local a = bodies[i]
    check = check + a.x + 2 * a.y + 3 * a.vz
  end
  return floor(check * 1e9)
end

//! Command lines, what they are for, and whether they are known to take long.

use super::{Stays, group_of, is_slow, programs, stays};
use crate::task::model::Group;

/// Command, group, slow.
const TABLE: &[(&str, &str, bool)] = &[
    // Cargo.
    ("cargo test", "test", true),
    ("cargo +nightly test --release", "test", true),
    ("cargo t -p pillion", "test", true),
    ("cargo nextest run", "test", true),
    ("cargo build --release", "build", true),
    ("cargo clippy -- -D warnings", "lint", true),
    ("cargo fmt", "lint", false),
    ("cargo run -- --help", "run", true),
    ("cargo --version", "other", false),
    ("cargo test --help", "other", false),
    ("cargo metadata", "other", false),
    // Package managers.
    ("npm test", "test", true),
    ("npm t", "test", true),
    ("npm ci", "install", true),
    ("npm install left-pad", "install", true),
    ("npm run test:unit", "test", true),
    ("npm run build", "build", true),
    ("npm run lint", "lint", true),
    ("npm run dev", "run", true),
    ("npm run deploy", "other", true),
    ("npm --prefix web test", "test", true),
    ("npm view react", "other", false),
    ("npm -v", "other", false),
    ("yarn", "install", true),
    ("yarn build", "build", true),
    ("yarn workspace web test", "test", true),
    ("yarn eslint .", "lint", true),
    ("pnpm --filter web run build", "build", true),
    ("pnpm -r test", "test", true),
    ("bun test", "test", true),
    ("bun run dev", "run", true),
    ("npx jest src/a.test.ts", "test", true),
    ("npx --yes vitest@1 run", "test", true),
    ("npx -p typescript tsc", "build", true),
    ("pnpm exec playwright test", "test", true),
    ("npx prettier --check .", "lint", false),
    // Python.
    ("python -m pytest -q", "test", true),
    ("python3.12 -m unittest -v", "test", true),
    (".venv/bin/python -m pytest", "test", true),
    ("uv run pytest", "test", true),
    ("uv run --with x python -m pytest", "test", true),
    ("poetry run mypy .", "lint", true),
    ("pip install -r requirements.txt", "install", true),
    ("python -m pip install x", "install", true),
    ("uv sync", "install", true),
    ("python manage.py test", "test", true),
    ("python app.py", "run", false),
    ("python -c 'import pytest'", "other", false),
    ("python -m http.server", "run", true),
    ("ruff check", "lint", false),
    ("tox -e py312", "test", true),
    // Others.
    ("go test ./...", "test", true),
    ("go build ./...", "build", true),
    ("node --test", "test", true),
    ("node server.js", "run", true),
    ("mvn -q verify", "test", true),
    ("./gradlew :app:assembleDebug", "build", true),
    ("./gradlew clean test", "test", true),
    ("make", "build", true),
    ("make -j4 test", "test", true),
    ("make -C sub -j 4", "build", true),
    ("make clean", "other", false),
    ("make -n test", "other", false),
    ("cmake --build build", "build", true),
    ("ctest --test-dir build -V", "test", true),
    ("docker build -t x .", "build", true),
    ("docker compose build", "build", true),
    ("docker compose up", "run", true),
    ("docker compose exec web pytest", "test", true),
    ("docker ps", "other", false),
    ("sudo apt-get install -y jq", "install", true),
    ("sudo -u me make", "build", true),
    ("terraform apply", "other", true),
    ("vercel deploy", "other", true),
    ("./run_tests.sh", "test", true),
    ("bash scripts/build.sh", "build", true),
    ("./configure --prefix=/usr", "build", true),
    ("git clone https://example.org/x", "other", true),
    // Through wrappers and in parts.
    ("cd x && npm test", "test", true),
    ("cd x; npm ci && npm run build", "build", true),
    ("env A=1 cargo build", "build", true),
    ("RUST_LOG=debug CI=1 cargo test", "test", true),
    ("timeout -k 5 60 cargo test", "test", true),
    ("time nice -n 10 make", "build", true),
    ("nohup npm start &", "run", true),
    ("bash -lc \"cd x && make test\"", "test", true),
    ("sh -c 'ls'", "other", false),
    ("cargo test 2>&1 | tee out.txt", "test", true),
    ("cat list | xargs -n 1 pytest", "test", true),
    ("echo $(npm test)", "test", true),
    ("for p in a b; do cargo build -p $p; done", "build", true),
    ("if [ -f Makefile ]; then make; fi", "build", true),
    ("(cd web && yarn)", "install", true),
    ("mise exec -- pytest", "test", true),
    ("nix develop -c cargo test", "test", true),
    // Words in arguments.
    ("echo \"npm install\"", "other", false),
    ("echo npm install", "other", false),
    ("grep -rn 'cargo test' .", "other", false),
    ("git commit -m \"build: npm test\"", "other", false),
    ("cat Makefile", "other", false),
    ("ls node_modules/.bin/jest", "other", false),
    ("rm -rf build test", "other", false),
    ("find . -name test", "other", false),
    ("cat <<EOF\nnpm install\nEOF", "other", false),
    ("which pytest; command -v cargo", "other", false),
    ("# cargo test", "other", false),
    ("", "other", false),
];

#[test]
fn commands_are_judged_by_the_program_that_runs() {
    let wrong: Vec<String> = TABLE
        .iter()
        .filter(|(command, group, slow)| group_of(command).as_str() != *group || is_slow(command) != *slow)
        .map(|(command, ..)| format!("{command:?}: {} {}", group_of(command).as_str(), is_slow(command)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn programs_are_named_as_they_are_written() {
    for (command, expected) in [
        ("A=1 ./a.sh | sudo tee x", "./a.sh tee"),
        ("env A=1 npx jest@29", "jest@29"),
        ("/usr/bin/make -C $(dirname x)", "dirname /usr/bin/make"),
    ] {
        assert_eq!(programs(command).join(" "), expected);
    }
}

#[test]
fn a_very_long_command_is_judged_by_its_beginning() {
    let command = format!("cargo test {}", "ä".repeat(40_000));
    assert_eq!(group_of(&command), Group::Test);
}

#[test]
fn what_stays_is_known_by_what_runs() {
    let server = "npm run dev|pnpm dev|yarn start|bun run serve|npm start|npm run start:prod|npm run dev -- --port 3000|\
        pnpm --filter web run dev|yarn workspace web dev|vite|npx vite --host|vite preview|next dev|next start -p 80|\
        webpack serve --mode development|webpack-dev-server|react-scripts start|ng serve|flask run|\
        flask --debug run|python manage.py runserver 8001|./manage.py runserver|uvicorn app:app --reload|gunicorn a:b|\
        python -m http.server 8000|python3 -m uvicorn app:app|uv run uvicorn app:app|bundle exec rails s|bin/rails server|\
        php -S localhost:8000|php artisan serve|mix phx.server|hugo server|docker compose up|docker-compose -f a.yml up web|\
        node server.js|node src/server.mjs|make dev|make serve|just serve|cd web && npm run dev|PORT=3 npm start|\
        env A=1 npx next dev|npm run dev 2>&1 | tee log|bash -c 'npm run dev'|npm run build && npm start";
    let watcher = "nodemon app.js|tsc --watch|tsc -w -p .|npx tsc --noEmit --watch|cargo watch -x test|jest --watch|\
        npx jest --watchAll|vitest --watch|vitest watch|npm run test:watch|npm test -- --watch|npm run build -- --watch|\
        rollup -c -w|esbuild a.ts --watch|node --watch app.js|tsx watch a.ts|dotnet watch run|\
        npx tailwindcss -i a -o b --watch|mocha -w|docker compose watch|yarn build:watch";
    let stream = "tail -f a.log|tail -n 100 -F a.log|tail -fn100 a.log|docker logs -f web|docker compose logs -f|\
        docker compose logs --follow web|kubectl logs -f pod/x|journalctl -fu nginx|tail -f a.log | grep ERROR";
    let none = "npm run build|npm test|npm run build:dev|npm run test:server|npm run serve-build|npm run stop|npm install|\
        vite build|next build|webpack|cargo run|cargo test|docker compose up -d|docker compose up --wait|docker compose ps|\
        docker compose -f a.yml logs|docker logs web|kubectl logs pod/x|tail a.log|tail -n 5 a.log|node app.js|python app.py|\
        echo npm run dev|echo --watch|grep -rn 'npm run dev' .|rg --watch|git commit -m 'npm start'|vitest run|vitest|\
        jest --watch=false|jest --watchAll=false|vite --version|next dev --help|npm run dev & sleep 5; curl localhost|\
        nohup npm start > log 2>&1 &|timeout 5 npm run dev|make build|make start-build|gh run watch|rails db:migrate|ls";
    for (commands, wanted) in
        [(server, Some(Stays::Server)), (watcher, Some(Stays::Watcher)), (stream, Some(Stays::Stream)), (none, None)]
    {
        let joined = commands.replace(" | ", " PIPE ");
        for command in joined.split('|') {
            let command = command.trim().replace(" PIPE ", " | ");
            assert_eq!(stays(&command), wanted, "{command}");
        }
    }
}

use super::*;
use tempfile::TempDir;

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_when_it_is_finished_and_not_before() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    let mut file = OutputFile::create(&path, &Inputs::default()).unwrap();
    file.write_all(b"new").unwrap();
    file.flush().unwrap();
    assert!(!path.exists());
    file.finish().unwrap();
    assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"new".to_vec(), vec!["out".to_owned()]));
}

#[test]
fn a_file_with_a_hidden_name_appears_in_the_same_way() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    fs::write(&path, "old").unwrap();
    for bytes in [b"new", b"own"] {
        let mut part = PartFile::named(&path).unwrap();
        part.file.write_all(bytes).unwrap();
        assert_eq!(names(&folder), [format!(".biplane-{}-0.part", std::process::id()), "out".to_owned()]);
        part.put_in_place().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(&folder)), (bytes.to_vec(), vec!["out".to_owned()]));
    }
    drop(PartFile::named(&path).unwrap());
    assert_eq!(names(&folder), ["out"]);
}

#[cfg(all(target_os = "linux", feature = "cli"))]
#[test]
fn a_file_that_is_being_written_has_no_name_where_the_file_system_can_do_that() {
    let folder = TempDir::new().unwrap();
    if unnamed::create(folder.path()).is_none() {
        println!("skipped: this file system has no files without a name");
        return;
    }
    let path = folder.path().join("out");
    let mut files: Vec<OutputFile> = (0..2).map(|_| OutputFile::create(&path, &Inputs::default()).unwrap()).collect();
    for (file, bytes) in files.iter_mut().zip([b"one", b"two"]) {
        file.write_all(bytes).unwrap();
        file.flush().unwrap();
    }
    assert_eq!(names(&folder), [""; 0], "what a killed program leaves");
    // The name that it gets for a moment may be that of an earlier program that was killed just then.
    let taken = format!(".biplane-{}-0.part", std::process::id());
    fs::write(folder.path().join(&taken), "").unwrap();
    for (file, bytes) in files.into_iter().zip([b"one", b"two"]) {
        file.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(&folder)), (bytes.to_vec(), vec![taken.clone(), "out".to_owned()]));
    }
}

#[cfg(all(target_os = "linux", feature = "cli"))]
#[test]
fn a_file_that_cannot_be_given_a_name_is_copied_into_one_that_has_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    fs::write(&path, "old").unwrap();
    let mut part = PartFile::beside(&path).unwrap();
    if part.path.is_some() {
        println!("skipped: this file system has no files without a name");
        return;
    }
    part.file.write_all(b"new").unwrap();
    part.copied().unwrap().put_in_place().unwrap();
    assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"new".to_vec(), vec!["out".to_owned()]));
}

#[test]
fn a_file_that_is_not_finished_leaves_the_old_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    fs::write(&path, "old").unwrap();
    let mut file = OutputFile::create(&path, &Inputs::default()).unwrap();
    file.write_all(b"new").unwrap();
    drop(file);
    assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"old".to_vec(), vec!["out".to_owned()]));
}

#[test]
fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let error = write(folder.path(), &Inputs::default(), b"").unwrap_err();
    assert!(error.to_string().starts_with("cannot write `"), "{error}");
    let error = write(&folder.path().join("no/such"), &Inputs::default(), b"").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert_eq!(names(&folder), [""; 0]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn no_way_leads_to_an_input() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("input"), "precious").unwrap();
        fs::write(at("other"), "").unwrap();
        fs::hard_link(at("input"), at("hard")).unwrap();
        symlink("input", at("soft")).unwrap();
        symlink("soft", at("softer")).unwrap();
        symlink(".", at("here")).unwrap();
        let mut inputs = Inputs::default();
        inputs.add(&at("soft"), "capture");
        let open = File::open(at("input")).unwrap();
        let descriptor = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
        let paths = ["input", "hard", "soft", "softer", "here/hard", "here/./soft"].map(at);
        for path in paths.iter().chain([&PathBuf::from(descriptor)]) {
            let error = write(path, &inputs, b"gone").unwrap_err().to_string();
            assert!(error.ends_with("would overwrite the capture that is being read"), "{path:?}: {error}");
        }
        assert_eq!(fs::read(at("input")).unwrap(), b"precious");
        write(&at("other"), &inputs, b"new").unwrap();
        assert_eq!(fs::read(at("other")).unwrap(), b"new");
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written_with_its_permissions() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("deep/file"), "old").unwrap();
        fs::set_permissions(at("deep/file"), fs::Permissions::from_mode(0o640)).unwrap();
        for (link, target) in [("link", "deep/file"), ("dangling", "deep/fresh")] {
            symlink(target, at(link)).unwrap();
            write(&at(link), &Inputs::default(), b"new").unwrap();
            assert_eq!(fs::read_link(at(link)).unwrap(), Path::new(target));
            assert_eq!(fs::read(at(target)).unwrap(), b"new");
        }
        assert_eq!(fs::metadata(at("deep/file")).unwrap().permissions().mode() & 0o777, 0o640);
        symlink("loop", at("loop")).unwrap();
        assert!(write(&at("loop"), &Inputs::default(), b"").unwrap_err().to_string().contains("too many"));
    }

    #[test]
    fn devices_and_pipes_are_written_directly() {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join("pipe");
        write(Path::new("/dev/null"), &Inputs::default(), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe, &Inputs::default(), b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert_eq!(names(&folder), ["pipe"]);
    }

    #[test]
    fn a_descriptor_is_written_behind_what_stands_there() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "before ").unwrap();
        let open = OpenOptions::new().append(true).open(&path).unwrap();
        let descriptor = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
        write(Path::new(&descriptor), &Inputs::default(), b"behind").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"before behind");
    }
}

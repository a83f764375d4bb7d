//! A doctor, a patient and an insurer at one directory.

use plico::ErrorCode;
use plico::testing::{TestDirectory, TestPerson};

/// The error code of what must not succeed.
#[track_caller]
pub fn code<T>(result: plico::Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}

#[allow(dead_code)] // some test files need the code alone
pub async fn ward() -> (TestDirectory, TestPerson, TestPerson, TestPerson) {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    let insurer = directory.person("insurer.3").await.unwrap();
    (directory, doctor, patient, insurer)
}

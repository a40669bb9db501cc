//! The GPUs that the driver of this machine knows, through its library NVML. Without driver there
//! are none, and that is no error.

use std::sync::OnceLock;

use nvml_wrapper::Nvml;

use super::Probe;

/// The driver, asked for the first time when somebody names a GPU.
#[derive(Default)]
pub(super) struct Driver(OnceLock<Option<Nvml>>);

impl Driver {
    fn nvml(&self) -> Option<&Nvml> {
        self.0.get_or_init(|| Nvml::init().ok()).as_ref()
    }
}

impl Probe for Driver {
    fn count(&self) -> u32 {
        self.nvml().and_then(|nvml| nvml.device_count().ok()).unwrap_or(0)
    }

    fn load(&self, index: u32) -> Result<f64, String> {
        let nvml = self.nvml().ok_or_else(|| "there is no driver".to_owned())?;
        let rates = nvml.device_by_index(index).and_then(|device| device.utilization_rates());
        let rates = rates.map_err(|error| error.to_string())?;
        Ok(f64::from(rates.gpu.min(100)) / 100.0)
    }
}

import 'element-plus/theme-chalk/index.css'
import './style.css'

import { createApp } from 'vue'
import { createI18n } from 'vue-i18n'

import App from './App.vue'
import { messages, startLocale } from './i18n'
import { router } from './router'

const i18n = createI18n({ legacy: false, locale: startLocale(), fallbackLocale: 'zh-CN', messages })
createApp(App).use(i18n).use(router).mount('#app')
